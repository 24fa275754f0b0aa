from __future__ import annotations

import math
from typing import Any

import pytest

from falaj.errors import UsageError
from workloads.engine.controls import MOST_STOP_CHARACTERS, MOST_STOPS, Controls


def test_what_is_in_bounds_is_taken_as_it_is() -> None:
    given: dict[str, Any] = {"temperature": 1, "top_p": 0.5, "top_k": 3, "seed": -7, "no_repeat_ngram": 2, "min_tokens": 4, "logprobs": 0}
    assert Controls.checked(5, **given, stop=["a", "b", "a"]) == Controls(
        5, temperature=1.0, top_p=0.5, top_k=3, seed=-7, no_repeat_ngram=2, min_tokens=4, logprobs=0, stop=("a", "b")
    )
    assert Controls.checked(5, stop="one", beams=8, early_stopping=True, length_penalty=-1.5) == Controls(
        5, stop=("one",), beams=8, early_stopping=True, length_penalty=-1.5
    )
    assert Controls.checked(1, seed=None, stop=None, logprobs=None) == Controls(1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", 0), ("max_tokens", 65), ("max_tokens", True), ("max_tokens", 3.0), ("max_tokens", None), ("max_tokens", 10**4000),
        ("temperature", -0.1), ("temperature", math.nan), ("temperature", math.inf), ("temperature", "1"), ("temperature", True),
        ("top_p", 1.01), ("top_k", -1), ("seed", 2**63), ("seed", 1.5), ("beams", 0), ("beams", 9), ("repetition_penalty", 0.0),
        ("frequency_penalty", 2.5), ("presence_penalty", -3), ("length_penalty", 99), ("no_repeat_ngram", 33), ("min_tokens", -1),
        ("logprobs", 6), ("early_stopping", 1), ("stop", ""), ("stop", [""]), ("stop", [3]), ("stop", {"a": 1}), ("stop", 5),
        ("stop", ["\ud800"]), ("stop", ["x"] * (MOST_STOPS + 1)), ("stop", "y" * (MOST_STOP_CHARACTERS + 1)), ("stop", [str(n) for n in range(10_000)]),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=name if name != "stop" else "stop") as caught:
        Controls.checked(**({"max_tokens": 9, "longest": 64} | {name: value}))
    assert caught.value.allowed and len(str(caught.value)) < 400


@pytest.mark.parametrize("given", [{"beams": 2, "temperature": 0.5}, {"beams": 2, "logprobs": 1}, {"min_tokens": 10}, {"forced": True}, {"best_of": 3}])
def test_what_does_not_go_together_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Controls.checked(9, **given)
