"""Continuous batching on an engine of a few lines, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tests.workloads.serve.tiny import TinyModel, answer_of
from workloads.engine.controls import Controls
from workloads.engine.protocol import Full
from workloads.serve.requests import Answer, Ask
from workloads.serve.scheduler import Began, Budget, Done, Event, Failed, Piece, Scheduler


@dataclass
class Desk:
    """A scheduler whose clock goes on by one second with every step."""

    model: TinyModel
    scheduler: Scheduler
    now: float = 0.0
    events: list[Event] = field(default_factory=list)

    def add(self, id: str, text: str = "", *, tokens: int = 60, client: str = "", stream: bool = False, **given: Any) -> None:
        controls = Controls(tokens, **given.pop("controls", {}))
        ids, truncated = self.model.text.encode(text or f"echo {id}")
        self.events += self.scheduler.add(Ask(id, text, controls, client=client, **given), ids, truncated, self.now, stream=stream)

    def step(self, times: int = 1) -> list[Event]:
        """The events of `times` steps."""
        found = []
        for _ in range(times):
            found += self.scheduler.choose(self.now)
            found += self.scheduler.step(self.now)
            self.now += 1
            found += self.scheduler.settle(self.now)
        self.events += found
        return found

    def finish(self) -> list[str]:
        """Step until nobody is left; the ids in the order in which they ended."""
        for _ in range(20_000):
            if self.scheduler.idle:
                break
            self.step()
        assert self.scheduler.idle and not self.model.engine.taken
        return [event.id for event in self.events if isinstance(event, Done | Failed)]

    def began(self) -> list[str]:
        return [event.id for event in self.events if isinstance(event, Began)]


def desk(slots: int = 4, *, longest: int = 64, patience: float = 1000.0, **budget: int) -> Desk:
    model = TinyModel(answer_of("name"), slots=slots, longest=longest)
    return Desk(model, Scheduler(model.engine, model.decoder, Budget(**budget), patience=patience))


def test_one_ask_is_answered_with_its_times() -> None:
    given = desk()
    given.add("a", "echo hi")
    assert given.step() == [Began("a", 0.0)]
    given.finish()
    answer = Answer("hi", 3, 8, False, "stop", (107, 108, 1))
    assert given.events[-1] == Done("a", answer, 0.0, 1.0, (1.0, 1.0))


def test_asks_join_and_leave_at_every_step() -> None:
    given = desk()
    given.add("long", "echo abcdef")
    given.step(2)
    given.add("short", "echo x")
    given.step()
    assert given.finish() == ["short", "long"]
    assert given.model.engine.log == [1, 1, 2, 2, 1, 1, 1]


def test_no_more_run_than_there_are_slots_and_a_beam_takes_one() -> None:
    given = desk(slots=3)
    given.add("beams", "echo abc", controls={"beams": 2})
    for index in range(3):
        given.add(f"plain{index}", "echo abcd")
    given.step()
    assert (given.began(), given.scheduler.slots, given.scheduler.waiting) == (["beams", "plain0"], 3, 2)
    given.finish()
    assert {event.id: event.answer.text for event in given.events if isinstance(event, Done)} == {
        "beams": "abc",
        "plain0": "abcd",
        "plain1": "abcd",
        "plain2": "abcd",
    }


def test_where_memory_allows_fewer_slots_than_the_engine_has_those_count() -> None:
    model = TinyModel(answer_of("name"), slots=4, longest=64)
    given = Desk(model, Scheduler(model.engine, model.decoder, Budget(slots=2)))
    for id in "abc":
        given.add(id, "echo x")
    given.step()
    assert given.began() == ["a", "b"]
    given.add("beams", "echo x", controls={"beams": 3})
    assert isinstance(given.events[-1], Failed) and given.events[-1].refusal.allowed == "1 to 2"


def test_key_value_memory_bounds_who_comes_in() -> None:
    given = desk(kv_tokens=60)
    for id in "abc":
        given.add(id, "echo x", tokens=20)  # 7 read and 20 to come
    given.step()
    assert (given.began(), given.scheduler.kv) == (["a", "b"], 54)
    given.finish()
    assert given.began() == ["a", "b", "c"]
    given.add("never", "echo x", tokens=60)
    assert isinstance(given.events[-1], Failed) and given.events[-1].refusal.allowed == "60 tokens"


def test_long_texts_come_in_one_by_one_so_that_answers_in_the_making_go_on() -> None:
    given = desk(slots=8, prefill_tokens=100)
    given.add("first", "echo abcdefgh")
    given.step()
    for index in range(4):
        given.add(f"long{index}", "echo " + "y" * 50)
    for _ in range(4):
        given.step()
    assert given.model.engine.read == [[14], [56], [56], [56], [56]]
    given.add("huge", "echo " + "z" * 300, tokens=5)
    given.add("small", "echo z", tokens=5)
    given.finish()
    # What exceeds the bound alone waits until nobody is disturbed, and is not passed by what is behind it.
    assert given.began()[-2:] == ["huge", "small"]


def test_greedy_answers_share_one_step_with_those_that_need_all_logits() -> None:
    given = desk()
    given.add("greedy", "echo abc")
    given.add("sampled", "echo abc", controls={"temperature": 0.1, "seed": 1})
    given.finish()
    assert [event.answer.text for event in given.events if isinstance(event, Done)] == ["abc", "abc"]
    assert given.model.engine.log == [2, 2, 2, 2]


def test_higher_priority_goes_first_and_what_waits_long_rises() -> None:
    given = desk(slots=1, patience=50)
    given.add("background", priority=-1)
    for index in range(12):
        given.add(f"normal{index}", "echo abcdefg")
        given.step(8)
    given.finish()
    place = given.began().index("background")
    # Eight steps each: after 50 seconds of waiting it is a normal one that came first.
    assert (given.began()[0], place) == ("normal0", 7)


def test_a_client_with_many_asks_does_not_keep_another_waiting() -> None:
    given = desk(slots=1)
    for index in range(5):
        given.add(f"a{index}", client="a")
    given.step()
    for index in range(2):
        given.add(f"b{index}", client="b")
    given.finish()
    assert given.began()[:5] == ["a0", "a1", "b0", "a2", "b1"]


def test_who_comes_back_from_idling_has_saved_nothing_up() -> None:
    given = desk(slots=1)
    given.add("a0", client="a")
    given.finish()
    for index in range(3):
        given.add(f"b{index}", client="b")
        given.finish()
    for index in range(3):
        given.add(f"a{index}", client="a")
        given.add(f"b{index}", client="b")
    given.finish()
    assert given.began()[-6:] in (["a0", "b0", "a1", "b1", "a2", "b2"],)


def test_the_nearer_deadline_goes_first_and_a_passed_one_ends_the_ask() -> None:
    given = desk(slots=1)
    given.add("runs", "echo " + "x" * 20, deadline=10.0)
    given.step()
    given.add("later", deadline=100.0)
    given.add("sooner", deadline=50.0)
    given.add("hopeless", deadline=5.0)
    assert given.finish() == ["hopeless", "runs", "sooner", "later"]
    refused = {event.id: (event.refusal.status, event.refusal.code) for event in given.events if isinstance(event, Failed)}
    assert refused == {"hopeless": (504, "deadline_exceeded"), "runs": (504, "deadline_exceeded")}


def test_a_cancelled_ask_leaves_at_once_wherever_it_is() -> None:
    given = desk(slots=1)
    given.add("runs", "echo abcdef")
    given.add("waits")
    given.add("stays", "echo z")
    given.step(2)
    assert [given.scheduler.cancel(id) for id in ("runs", "waits", "nobody")] == [True, True, False]
    assert (given.scheduler.slots, given.scheduler.kv, given.model.engine.taken) == (0, 0, 0)
    assert given.finish() == ["stays"]


def test_pieces_come_only_where_they_are_wanted_and_join_to_the_answer() -> None:
    given = desk()
    given.add("stream", "echo a\u0645\U0001f600z", stream=True)
    given.add("whole", "echo abc")
    given.finish()
    assert [event.text for event in given.events if isinstance(event, Piece)] == ["a", "\u0645", "\U0001f600", "z"]
    assert {event.id for event in given.events if isinstance(event, Piece)} == {"stream"}


def test_one_answer_that_fails_leaves_the_others() -> None:
    given = desk()
    given.add("bad", "nan", controls={"repetition_penalty": 1.5})
    given.add("good", "echo abc")
    given.finish()
    failed = [event.refusal for event in given.events if isinstance(event, Failed)]
    assert [(refusal.status, refusal.message) for refusal in failed] == [(500, "the model failed: Fault")]
    assert [event.answer.text for event in given.events if isinstance(event, Done)] == ["abc"]


def test_an_engine_without_room_lets_fewer_in_and_loses_nobody() -> None:
    given = desk(slots=4)
    admit = given.model.engine.admit

    def narrow(sources: Any) -> list[int]:
        if len(sources) + given.model.engine.taken > 2:
            raise Full
        return admit(sources)

    given.model.engine.admit = narrow
    for id in "abcd":
        given.add(id, f"echo {id}")
    given.finish()
    assert sorted(event.answer.text for event in given.events if isinstance(event, Done)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("tokens", "controls"), [(65, {}), (10, {"beams": 5})])
def test_what_the_engine_can_never_do_is_refused_at_once(tokens: int, controls: dict[str, Any]) -> None:
    given = desk()
    given.add("a", tokens=tokens, controls=controls)
    assert [event.refusal.status for event in given.events if isinstance(event, Failed)] == [422]
    given.scheduler.add(Ask("b", "", Controls(5)), [1], False, 0.0)
    assert given.scheduler.waiting == 1


def test_a_full_line_and_a_second_ask_of_the_same_name_are_refused() -> None:
    given = desk(slots=1, queue=2)
    for id in ("a", "a", "b", "c"):
        given.add(id)
    assert [(event.id, event.refusal.status) for event in given.events if isinstance(event, Failed)] == [("a", 500), ("c", 429)]


def test_a_thousand_asks_that_come_and_go_end_with_nothing_held() -> None:
    chance = np.random.default_rng(7)
    given = desk(slots=5, kv_tokens=400, prefill_tokens=120)
    asked: dict[str, str] = {}
    for index in range(1000):
        text = "".join(chance.choice(list("abcdef"), size=int(chance.integers(1, 30))))
        kind = chance.integers(4)
        controls = ({}, {"beams": 3}, {"temperature": 0.01, "seed": index}, {"logprobs": 2})[kind]
        given.add(str(index), f"echo {text}", tokens=40, client=str(chance.integers(3)), priority=int(chance.integers(-1, 2)), controls=controls)
        asked[str(index)] = text
        given.step(int(chance.integers(0, 6)))
        if chance.random() < 0.1:
            gone = str(chance.integers(index + 1))
            if given.scheduler.cancel(gone):
                del asked[gone]
    given.finish()
    assert {event.id: event.answer.text for event in given.events if isinstance(event, Done) and event.id in asked} == asked
    assert (given.scheduler.slots, given.scheduler.kv, given.scheduler._streams, max(given.model.engine.log) <= 5) == (0, 0, set(), True)


def test_clients_that_are_gone_are_forgotten_however_long_the_line_stays_full() -> None:
    given = desk(slots=1)
    given.add("stays", priority=-5, client="stays")
    for index in range(6000):
        given.add(f"c{index}", "echo x", tokens=1, client=f"client-{index}")
        given.step()
    assert given.scheduler.waiting and len(given.scheduler._line._clocks) < 5000
