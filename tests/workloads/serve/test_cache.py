"""The result cache: bounded, forgetful of what is old, and never across clients, releases or controls."""

from __future__ import annotations

from dataclasses import replace

from workloads.engine.controls import Controls
from workloads.serve.cache import ResultCache, key_of
from workloads.serve.requests import Answer, Ask

ASK = Ask("1", "translate this", Controls(max_tokens=10), client="key:a")


def answer(text: str = "fine", tokens: int = 2) -> Answer:
    return Answer(text, tokens, 5, False, "stop", tuple(range(tokens)))


def test_the_same_ask_has_the_same_key_whatever_its_id_priority_and_deadline() -> None:
    key = key_of("sha256:r", ASK)
    assert key == key_of("sha256:r", replace(ASK, id="2", priority=5, deadline=9.0))
    other_controls = [
        Controls(max_tokens=11),
        Controls(max_tokens=10, beams=2),
        Controls(max_tokens=10, stop=("a",)),
        Controls(max_tokens=10, min_tokens=1),
        Controls(max_tokens=10, temperature=0.5, seed=1),
        Controls(max_tokens=10, temperature=0.5, seed=2),
    ]
    others = [
        key_of("sha256:s", ASK),
        key_of("sha256:r", replace(ASK, text="translate this ")),
        key_of("sha256:r", replace(ASK, client="key:b")),
        *(key_of("sha256:r", replace(ASK, controls=controls)) for controls in other_controls),
    ]
    assert len({key, *others}) == len(others) + 1


def test_what_may_be_answered_differently_is_not_kept() -> None:
    key = key_of("r", replace(ASK, controls=Controls(max_tokens=10, temperature=0.7)))
    cache = ResultCache(1 << 20)
    cache.put(key, answer())
    assert (key, cache.get(key), len(cache)) == (None, None, 0)


def test_half_a_character_has_a_key_too() -> None:
    assert key_of("r", replace(ASK, text="\ud800")) != key_of("r", replace(ASK, text="\ud801"))


def test_answers_come_back_and_the_ones_used_longest_ago_go_first() -> None:
    cache = ResultCache(4000)
    for name in "abcdefgh":
        cache.put(name, answer(name))
    assert cache.get("a") == answer("a")
    cache.put("i", answer("i"))
    assert (cache.get("b"), cache.get("a"), cache.get("i")) == (None, answer("a"), answer("i"))
    assert (cache.hits, cache.misses, cache.bytes <= 4000) == (3, 1, True)


def test_its_size_is_bounded_and_counted_right() -> None:
    cache = ResultCache(10_000)
    for number in range(500):
        cache.put(str(number % 37), answer("x" * (number % 300), number % 20))
        assert cache.bytes <= 10_000
    cache.put("large", answer("x" * 3000))
    assert cache.get("large") is None
    none = ResultCache(0)
    none.put("a", answer())
    assert len(none) == 0
