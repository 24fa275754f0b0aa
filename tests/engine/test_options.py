"""Resource options that bind resources to each other, to what they were called before, and to what is there already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.engine.embedded.aliases import Alias
from infra.engine.embedded.goals import goal_of
from infra.engine.embedded.resources import from_checkpoint
from tests.engine.played import Play, Played, Register, urn
from tests.engine.recorded import out_of_order

BOX, CRATE = "house:index:Box", "house:index:Crate"


@pytest.fixture
def played(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "played")
    return Played(tmp_path, monkeypatch)


def one(name: str = "a", inputs: dict[str, Any] | None = None, **options: Any) -> Play:
    def play(register: Register) -> None:
        register(name, inputs or {"value": "v"}, **options)

    return play


def nothing(_: Register) -> None:
    """A program that registers nothing any more."""


def boxed(box: str, type_: str = BOX, child: str = "inner", **options: Any) -> Play:
    def play(register: Register) -> None:
        register(child, {"value": "v"}, parent=register(box, component=type_, **options))

    return play


def test_a_resource_under_a_new_name_is_the_one_it_was(played: Played) -> None:
    played.up(one())
    before = played.state()[urn("a")]
    renamed = one("b", aliases=[Alias(name="a")])
    assert played.ops(renamed) == {}
    assert (played.up(renamed).error, played.done()) == (None, [])
    assert played.state() == {urn("b"): {**before, "urn": urn("b")}}


def test_children_follow_their_parents_name_and_type(played: Played) -> None:
    played.up(boxed("box", child="box-inner"))
    moved = boxed("crate", CRATE, "crate-inner", aliases=[Alias(name="box", type=BOX)])
    assert played.ops(moved) == {}
    assert (played.up(moved).error, played.done()) == (None, [])
    assert sorted(played.state()) == [urn("crate-inner", f"{CRATE}$cloud:index:Thing"), urn("crate", CRATE)]


def test_what_is_replaced_under_a_new_name_is_one_line_of_the_plan_and_one_object_in_the_end(played: Played) -> None:
    played.up(one(inputs={"trigger": "1"}))
    renamed = one("b", {"trigger": "2"}, aliases=[Alias(urn=urn("a"))])
    assert played.ops(renamed) == {"b": "replace"}
    judged: list[tuple[str, str]] = []
    assert played.up(renamed, guard=lambda op, at, _: judged.append((op, at))).error is None
    assert (played.done(), judged) == ([("create", "b"), ("delete", "a")], [("replace", urn("b"))] * 2)
    assert (list(played.state()), played.held()) == ([urn("b")], ["b"])


def test_two_resources_may_not_claim_the_same_old_one(played: Played) -> None:
    played.up(one())

    def both(register: Register) -> None:
        register("b", {"value": "v"}, aliases=[Alias(name="a")])
        register("c", {"value": "v"}, aliases=[Alias(name="a")])

    with pytest.raises(UsageError, match=f"Duplicate resource alias '{urn('a')}' applied to resource with URN '{urn('c')}'"):
        played.preview(both)


def test_a_state_that_a_failed_run_leaves_refers_to_what_was_renamed_by_its_new_name(played: Played) -> None:
    def before(register: Register) -> None:
        box = register("box", component=BOX)
        register("leaf", {"value": register("inner", {"value": "v"}, parent=box).id}, parent=box)
        register("old", {"stuck": "yes"})

    played.up(before)

    def after(register: Register) -> None:
        register("inner", {"value": "v"}, parent=register("box", component=CRATE, aliases=[Alias(type=BOX)]))

    assert "it is stuck" in str(played.up(after).error)
    left = played.state()
    assert sorted(at for at in left if BOX in at) == []
    assert out_of_order({"resources": [{**item, "parent": None, "provider": None} for item in left.values()]}) == []


@pytest.mark.parametrize("option", ["deleted_with", "replace_with"])
def test_what_shares_a_fate_is_replaced_together(option: str, played: Played) -> None:
    def pair(trigger: str) -> Play:
        def play(register: Register) -> None:
            first = register("p", {"trigger": trigger})
            register("q", {"value": "v"}, **{option: first.urn if option == "deleted_with" else [first.urn]})

        return play

    played.up(pair("1"))
    assert played.ops(pair("2")) == {"p": "replace", "q": "replace"}
    assert played.up(pair("2")).error is None
    deleted = {"deleted_with": [("delete", "p")], "replace_with": [("delete", "q"), ("delete", "p")]}[option]
    assert played.done() == [("create", "p"), ("create", "q"), *deleted]
    assert played.destroy().error is None
    assert played.done() == deleted


def test_what_is_deleted_first_takes_along_what_shares_its_fate(played: Played) -> None:
    def pair(trigger: str) -> Play:
        def play(register: Register) -> None:
            first = register("p", {"trigger": trigger}, delete_before_replace=True)
            register("q", {"value": "v"}, replace_with=[first.urn])

        return play

    played.up(pair("1"))
    assert played.ops(pair("2")) == {"p": "replace", "q": "replace"}
    assert played.up(pair("2")).error is None
    assert played.done() == [("delete", "q"), ("delete", "p"), ("create", "p"), ("create", "q")]


def test_what_goes_along_under_a_new_name_is_told_of_by_that_name(played: Played) -> None:
    def pair(trigger: str, name: str, **options: Any) -> Play:
        def play(register: Register) -> None:
            first = register("p", {"trigger": trigger}, delete_before_replace=True)
            register(name, {"value": "v"}, deleted_with=first.urn, **options)

        return play

    played.up(pair("1", "q"))
    renamed = pair("2", "r", aliases=[Alias(name="q")])
    assert played.ops(renamed) == {"p": "replace", "r": "replace"}
    assert played.preview(renamed).resources[-1].replace_keys == ["deletedWith"]
    done = played.up(renamed)
    assert (done.error, {(step.urn, step.op) for step in done.steps}) == (None, {(urn("p"), "replace"), (urn("r"), "replace")})


@pytest.mark.parametrize("trigger", ["1", "2"], ids=["replaced on its own", "gone along"])
def test_an_approved_plan_holds_what_is_renamed_and_replaced(trigger: str, played: Played) -> None:
    def pair(trigger: str, name: str, value: str, **options: Any) -> Play:
        def play(register: Register) -> None:
            first = register("p", {"trigger": trigger}, delete_before_replace=True)
            register(name, {"value": value, "trigger": value}, deleted_with=first.urn, **options)

        return play

    played.up(pair("1", "q", "old"))
    renamed = pair(trigger, "r", "new", aliases=[Alias(name="q")])
    assert [(item.name, item.former) for item in played.preview(renamed).resources if item.op == "replace" and item.former] == [("r", urn("q"))]
    assert (played.up(renamed, guard=played.approved(renamed)).error, list(played.state())) == (None, [urn("p"), urn("r")])


def test_what_is_to_be_kept_leaves_the_state_and_stays_in_the_cloud(played: Played) -> None:
    played.up(one(retain_on_delete=True))
    assert played.ops(nothing) == {"a": "delete"}
    assert (played.up(nothing).error, played.done(), played.state(), played.held()) == (None, [], {}, ["a"])


def test_a_changed_trigger_replaces_and_a_new_one_does_not(played: Played) -> None:
    played.up(one())
    assert played.ops(one(replacement_trigger="1")) == {}
    played.up(one(replacement_trigger="1"))
    assert played.ops(one(replacement_trigger="2")) == {"a": "replace"}
    assert played.state()[urn("a")]["replacementTrigger"] == "1"


def test_the_provider_is_told_how_long_each_operation_may_take(played: Played) -> None:
    def timed(value: str) -> Play:
        return one(inputs={"value": value}, custom_timeouts={"create": 300.0, "update": 5400.0, "delete": 10.0})

    played.up(timed("1"))
    assert played.calls == [("create", "a", 300)]
    played.up(timed("2"))
    assert played.calls == [("update", "a", 5400)]
    assert played.state()[urn("a")]["customTimeouts"] == {"create": 300, "delete": 10, "update": 5400}
    played.destroy()
    assert played.calls == [("delete", "a", 10)]


def test_an_import_becomes_what_the_program_wants_of_it(played: Played) -> None:
    played.up(one(retain_on_delete=True))
    there = next(path.name for path in played.cloud.iterdir())
    played.up(nothing)
    wanted = one("b", {"value": "w"}, import_id=there)
    plan = next(item for item in played.preview(wanted).resources if item.name == "b")
    assert (plan.op, plan.inputs, plan.diff_keys) == ("import", {"value": "w"}, ["value"])
    assert (played.up(wanted).error, played.done()) == (None, [("update", "b")])
    assert (played.state()[urn("b")]["id"], played.state()[urn("b")]["importID"]) == (there, there)
    assert played.ops(wanted) == {}


def test_an_import_of_what_is_not_there_is_an_error_and_leaves_the_state(played: Played) -> None:
    played.up(one())
    before = played.state()
    with pytest.raises(UsageError, match="resource 'nobody' does not exist"):
        played.preview(one("b", import_id="nobody"))
    assert "resource 'nobody' does not exist" in str(played.up(one("b", import_id="nobody")).error)
    assert played.state() == before


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10), ("1h30m", 5400), ("1.5m", 90), ("250ms", 0.25)])
def test_a_timeout_is_read_as_the_cli_reads_it(text: str, seconds: float) -> None:
    assert goal_of(_timed(text)).custom_timeouts == {"create": seconds}


@pytest.mark.parametrize("text", ["5", "soon", "5m 3s"])
def test_a_timeout_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"unable to parse customTimeout Value {text}"):
        goal_of(_timed(text))


REFUSED: dict[str, Callable[[Any], object]] = {
    "remote components": lambda request: setattr(request, "remote", True),
    "resource hooks": lambda request: request.hooks.before_create.append("mine"),
    "package parameterization": lambda request: setattr(request, "packageRef", "p"),
    "state migrations": lambda request: request.state_migrations.add(target="t", token="k"),
    "envVarMappings": lambda request: request.envVarMappings.update({"A": "B"}),
}


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_what_the_engine_does_not_support_is_refused_by_name(what: str) -> None:
    request = _timed("10s")
    assert goal_of(request).name == "a"
    REFUSED[what](request)
    with pytest.raises(UsageError, match=f"the embedded engine does not support {what}") as refusal:
        goal_of(request)
    assert "aliases, transforms" in str(refusal.value.allowed)


@pytest.mark.parametrize("what", ["viewOf", "taint", "resourceHooks", "refreshBeforeUpdate"])
def test_a_state_that_says_what_the_engine_would_lose_is_refused(what: str) -> None:
    fields = {"urn": urn("a"), "type": "cloud:index:Thing", "custom": True}
    assert from_checkpoint(fields, str).urn == urn("a")
    with pytest.raises(UsageError, match="the embedded engine does not support"):
        from_checkpoint({**fields, what: "yes"}, str)


def _timed(text: str) -> Any:
    from pulumi.runtime.proto import resource_pb2

    request: Any = resource_pb2.RegisterResourceRequest(type="cloud:index:Thing", name="a", custom=True)
    request.customTimeouts.create = text
    return request
