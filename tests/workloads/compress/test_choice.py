"""What `compress auto` picks from measurements, and what it says; the Pareto front and its plot."""

from __future__ import annotations

import math
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falaj.errors import UsageError
from workloads.compress import pareto
from workloads.compress.choice import GOALS, NOISE, Bound, choose, speedup
from workloads.compress.pareto import Point


def entry(
    speed: float | None, loss: float = 0.0, high: float | None = None, worst: float | None = 0.0, size: int = 100, large: float | None = None
) -> dict[str, Any]:
    """One variant's measurements: tokens per second at batch 1 and 32 (`large`), and one task."""
    slice = None if worst is None else {"name": "long", "loss": worst, "rows": 40}
    speeds = {"1": speed, "32": large if large is not None else speed}
    return {
        "tasks": {"section": {"loss": loss, "loss_high": loss if high is None else high, "worst_slice": slice}},
        "speed": {size: {"tokens_per_second": value} for size, value in speeds.items() if value is not None},
        "bytes": size,
    }


def test_the_fastest_within_the_bound_is_chosen_and_the_others_get_their_reasons() -> None:
    choice = choose(
        {"f32": entry(100), "int8": entry(180, 0.005, 0.02), "pruned": entry(260, 0.02, 0.05, 0.2), "shallow": entry(300, 0.001, 0.04)}, "f32", Bound()
    )
    assert choice.to_json() == {
        "name": "int8",
        "why": "1.80 times as fast as f32, the fastest of 1 that stay in the bound (at most 1.0% of a task's score, 3.0% at the end of the interval, "
        "10.0% on a slice)",
        "speedups": {"f32": 1.0, "int8": 1.8, "pruned": 2.6, "shallow": 3.0},
        "reasons": {
            "f32": [],
            "int8": [],
            "pruned": [
                "section: loses 2.00%, more than 1.00%",
                "section: may lose up to 5.00%, more than 3.00%",
                "section: loses on slice long 20.00%, more than 10.00%",
            ],
            "shallow": ["section: may lose up to 4.00%, more than 3.00%"],
        },
    }


def test_of_equally_fast_variants_the_better_one_is_chosen_then_the_smaller() -> None:
    table = {"f32": entry(100), "a": entry(200, 0.008), "b": entry(197, 0.002), "c": entry(198, 0.002, size=60)}
    choice = choose(table, "f32", Bound())
    assert choice.name == "c" and choice.why.endswith("; a, b are as fast, and c loses less or is smaller")


def test_when_nothing_stays_in_the_bound_or_nothing_is_faster_the_reference_is_served() -> None:
    nothing = choose({"f32": entry(100), "int8": entry(200, 0.5)}, "f32", Bound())
    slower = choose({"f32": entry(100), "int8": entry(102, 0.001)}, "f32", Bound())
    assert (nothing.name, slower.name) == ("f32", "f32")
    assert nothing.why.startswith("no variant stays in the bound") and slower.why.endswith("is faster than f32 by more than chance")


@pytest.mark.parametrize(("goal", "name"), [("latency", "quick"), ("throughput", "wide"), ("both", "quick")])
def test_the_goal_says_which_speed_counts(goal: Any, name: str) -> None:
    assert choose({"f32": entry(100), "quick": entry(300, large=150), "wide": entry(120, large=210)}, "f32", Bound(), goal).name == name


@pytest.mark.parametrize(
    "broken",
    [
        {**entry(500), "tasks": {}},
        {**entry(500), "speed": {}},
        {**entry(500), "speed": {"1": {"tokens_per_second": math.nan}, "32": {"tokens_per_second": 1.0}}},
        entry(500, math.nan),
        entry(500, 0.0, math.inf),
        entry(0.0),
        {**entry(500), "tasks": {"section": {"loss": True, "loss_high": "0"}}},
        {},
    ],
)
def test_what_was_not_measured_is_never_chosen(broken: dict[str, Any]) -> None:
    choice = choose({"f32": entry(100), "odd": broken}, "f32", Bound(1, 1, 1))
    assert choice.name == "f32" and choice.reasons["odd"]


@pytest.mark.parametrize("bad", [{"loss": -0.1}, {"loss": 1.1}, {"sure": math.nan}, {"slice": 2}, {"loss": 0.05, "sure": 0.01}, {"loss": math.inf}])
def test_bounds_that_cannot_be_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="that bound on quality cannot be"):
        Bound(**bad)


def test_an_unknown_goal_or_reference_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no goal 'fastest'"):
        choose({"f32": entry(1)}, "f32", Bound(), "fastest")  # ty: ignore[invalid-argument-type]
    with pytest.raises(UsageError, match="the reference was not measured"):
        choose({"int8": entry(1)}, "f32", Bound())


shares = st.floats(-0.2, 0.3)
tables = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.builds(entry, st.floats(1, 1000), shares, shares, st.none() | shares, st.integers(1, 10**9), st.floats(1, 1000)),
    max_size=6,
).map(lambda found: {"f32": entry(100), **found})
bounds = st.builds(lambda low, more, slice: Bound(low, min(1.0, low + more), slice), st.floats(0, 0.2), st.floats(0, 0.2), st.floats(0, 0.3))


@given(tables, bounds, st.sampled_from(GOALS))
def test_whatever_was_measured_the_choice_is_within_the_bound_and_none_within_is_clearly_faster(table: dict[str, Any], bound: Bound, goal: Any) -> None:
    choice = choose(table, "f32", bound, goal)
    assert set(choice.reasons) == set(table) and not choice.reasons[choice.name] and choice.why
    if choice.name != "f32":
        about = table[choice.name]["tasks"]["section"]
        assert about["loss"] <= bound.loss and about["loss_high"] <= bound.sure
        assert about["worst_slice"] is None or about["worst_slice"]["loss"] <= bound.slice
    for name, reasons in choice.reasons.items():
        if not reasons:
            assert choice.speedups[choice.name] >= choice.speedups[name] * (1 - NOISE) - 1e-9
    assert choose(dict(reversed(table.items())), "f32", bound, goal).name == choice.name
    if reasons := choice.reasons.keys() - {choice.name, "f32"}:
        without = sorted(reasons)[0]
        if choice.reasons[without]:
            assert choose({name: found for name, found in table.items() if name != without}, "f32", bound, goal).name == choice.name


def test_a_speed_up_is_the_geometric_mean_over_batches() -> None:
    assert speedup(entry(400, large=100), entry(100), "both") == pytest.approx(2.0)
    assert [speedup(entry(400, large=100), entry(100), goal) for goal in ("latency", "throughput")] == pytest.approx([4.0, 1.0])


points = st.lists(st.builds(Point, st.text("abc<&\"'", min_size=1, max_size=8), st.floats(-0.5, 1), st.floats(0.01, 100), st.integers(1, 10**10)), max_size=12)


@given(points.map(lambda found: list({point.name: point for point in found}.values())))
def test_the_front_is_what_no_other_beats_and_everything_else_is_beaten_by_it(found: list[Point]) -> None:
    best = set(pareto.front(found))
    on, off = [point for point in found if point.name in best], [point for point in found if point.name not in best]
    assert not any(pareto.beats(one, other) for one in found for other in on)
    assert all(any(pareto.beats(one, other) for one in on) for other in off)
    assert bool(found) == bool(best)


def test_dominance_of_known_points() -> None:
    whole, int8, pruned, twin = Point("f32", 0, 1, 100), Point("int8", 0.01, 2, 30), Point("pruned", 0.02, 1.5, 40), Point("twin", 0.01, 2, 30)
    assert pareto.beats(int8, pruned) and not pareto.beats(int8, twin) and not pareto.beats(twin, int8) and not pareto.beats(whole, int8)
    assert pareto.front([whole, int8, pruned, twin]) == ["f32", "int8", "twin"]


@given(points.map(lambda found: list({point.name: point for point in found}.values())), st.none() | st.floats(0, 0.5))
def test_the_plot_is_well_formed_and_shows_every_point_inside_of_its_frame(found: list[Point], bound: float | None) -> None:
    root = ElementTree.fromstring(pareto.svg(found, chosen=found[0].name if found else None, bound=bound, title='a "<b>" & c'))
    space = "{http://www.w3.org/2000/svg}"
    circles = root.findall(f"{space}circle")
    assert len(circles) == 2 * len(found)
    assert all(89 <= float(circle.attrib["cx"]) <= 731 and 63 <= float(circle.attrib["cy"]) <= 491 for circle in circles)
    names = [text.text for text in root.findall(f"{space}text") if text.find(f"{space}tspan") is not None]
    assert sorted(names, key=str) == sorted(point.name for point in found)
