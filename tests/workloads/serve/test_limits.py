"""Token buckets: nobody gets more than a burst and a rate, whatever the order of asking, and memory stays bounded."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.serve.auth import Client, Limits
from workloads.serve.limits import Limiter
from workloads.serve.requests import Refusal


def client(name: str = "a", **limits: int) -> Client:
    return Client(name, frozenset({"generate"}), Limits(**limits))


def refusal_of(limiter: Limiter, who: Client, now: float, tokens: int = 1, requests: int = 1) -> tuple[int, float | None]:
    with pytest.raises(Refusal) as refusal:
        limiter.take(who, requests=requests, tokens=tokens, now=now)
    return refusal.value.status, refusal.value.retry_after


def test_a_minutes_worth_at_once_and_then_as_it_fills() -> None:
    limiter, who = Limiter(), client(requests_per_minute=6)
    for _ in range(6):
        limiter.take(who, tokens=10**9, now=0.0)
    assert refusal_of(limiter, who, 0.0) == (429, 10.0)
    assert refusal_of(limiter, who, 9.0) == (429, pytest.approx(1.0))
    limiter.take(who, tokens=1, now=10.0)
    assert refusal_of(limiter, who, 10.0) == (429, 10.0)
    limiter.take(client("b", requests_per_minute=6), tokens=1, now=10.0)


def test_tokens_count_with_the_most_asked_and_what_was_not_used_comes_back() -> None:
    limiter, who = Limiter(), client(tokens_per_minute=600)
    limiter.take(who, tokens=600, now=0.0)
    assert refusal_of(limiter, who, 0.0, tokens=100) == (429, 10.0)
    limiter.give_back(who, 250, 0.0)
    limiter.take(who, tokens=250, now=0.0)
    limiter.give_back(who, 10**9, 0.0)
    limiter.take(who, tokens=600, now=0.0)
    assert refusal_of(limiter, who, 0.0) == (429, 0.1)


def test_a_refused_request_takes_nothing_from_either_bucket() -> None:
    limiter, who = Limiter(), client(requests_per_minute=2, tokens_per_minute=10)
    limiter.take(who, tokens=9, now=0.0)
    for _ in range(5):
        assert refusal_of(limiter, who, 0.0, tokens=2)[0] == 429
    limiter.take(who, tokens=1, now=0.0)


def test_what_no_waiting_would_allow_is_no_429() -> None:
    limiter, who = Limiter(), client(requests_per_minute=5, tokens_per_minute=100, tokens_per_request=20)
    assert refusal_of(limiter, who, 0.0, tokens=21) == (422, None)
    assert refusal_of(limiter, who, 0.0, tokens=10, requests=6) == (422, None)
    assert refusal_of(limiter, client(tokens_per_minute=100), 0.0, tokens=101) == (422, None)
    limiter.take(who, requests=5, tokens=100, now=0.0)


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    limiter, who = Limiter(), client(requests_per_minute=1)
    limiter.take(who, tokens=1, now=100.0)
    assert refusal_of(limiter, who, 0.0) == (429, 60.0)
    assert refusal_of(limiter, who, 130.0) == (429, 30.0)
    limiter.take(who, tokens=1, now=160.0)


def test_clients_without_limits_are_not_remembered_and_the_rest_are_bounded() -> None:
    limiter = Limiter(most_clients=3)
    for number in range(100):
        limiter.take(client(f"free {number}"), tokens=1, now=0.0)
    assert len(limiter) == 0
    for number in range(3):
        limiter.take(client(f"c{number}", requests_per_minute=1), tokens=1, now=float(number))
    # Forgetting c0 now would give it another request.
    assert refusal_of(limiter, client("c3", requests_per_minute=1), 10.0) == (503, 50.0)
    limiter.take(client("c3", requests_per_minute=1), tokens=1, now=60.0)
    assert len(limiter) == 3
    assert refusal_of(limiter, client("c1", requests_per_minute=1), 60.5)[0] == 429


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.floats(0, 30), st.integers(1, 40)), max_size=80))
def test_nobody_ever_gets_more_than_burst_and_rate(asked: list[tuple[str, float, int]]) -> None:
    limiter, now, got = Limiter(most_clients=3), 0.0, dict.fromkeys("abcde", 0)
    for name, wait, tokens in asked:
        now += wait
        try:
            limiter.take(client(name, tokens_per_minute=60), tokens=tokens, now=now)
        except Refusal as refusal:
            assert refusal.retry_after and 0 < refusal.retry_after <= 60
            continue
        got[name] += tokens
        assert got[name] <= 60 + now + 1e-6
    assert len(limiter) <= 3
