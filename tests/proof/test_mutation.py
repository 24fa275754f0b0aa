"""What breaks a control fails its rule, and what is not known never passes: a fixed part of all single changes; `falaj policy test --mutation` makes all."""

from __future__ import annotations

import pytest

from infra.artifacts import Plan
from infra.authoring.changes import GONE, JSON_TEXT, Change, Path, applied, places, unknown
from infra.authoring.mutation import Score, equivalents, score
from infra.authoring.rego_mutation import Killed, kill
from infra.pipeline.policy_engine import EvaluationFailed
from tests.policies.samples import LIBRARY, SAMPLES, Sample
from tests.proof.broken import ENGINE, alone

pytestmark = pytest.mark.xdist_group("plans of prod")
CHANGES = 40
"""Single changes of each document, drawn by a fixed seed; all of them take minutes."""
MUTANTS = 3


@pytest.fixture(scope="module")
def scores(plans: list[Plan]) -> list[Score]:
    return [score(LIBRARY, rule, plans, alone(rule), most=CHANGES) for rule in LIBRARY.rules]


def test_each_change_of_a_place_that_a_rule_holds_is_noticed_or_explained(scores: list[Score]) -> None:
    assert sorted({survivor.key for each in scores for survivor in each.open}) == []


def test_enough_is_changed_for_that_to_mean_something(scores: list[Score]) -> None:
    assert sum(each.made for each in scores) > 4000
    assert sum(each.noticed + each.never_passed for each in scores) > 300
    assert [each.rule for each in scores if not each.bases] == []


def test_no_unknown_value_turns_a_failure_into_a_pass() -> None:
    passed = [f"{sample}: {'.'.join(map(str, path[3:]))}" for sample in SAMPLES if _is_asked(sample) for path in _places(sample) if _passes(sample, path)]
    assert passed == []


KNOWN_OTHERWISE = {("bucket_encrypted", "bucket"), ("key_of_its_class", "bucket")}
"""Rule and value: whose encryption it is, the part's own reference to the bucket says; and a bucket without one bucket_encrypted finds."""


def _is_asked(sample: Sample) -> bool:
    return sample.rule.kind == "plan" and sample.verdict == "denied"


def _places(sample: Sample) -> list[Path]:
    found = []
    for index, resource in enumerate(sample.input["plan"]["resources"]):
        start = ("plan", "resources", index, "inputs")
        found += [
            path
            for path, value in places(resource["inputs"], start)
            if path != start and path[-1] != JSON_TEXT and (sample.rule.id, path[4]) not in KNOWN_OTHERWISE and "__falaj__" not in str(value)
        ]
    return found


def _passes(sample: Sample, path: Path) -> bool:
    """Whether what failed passes once the value is unknown, and nothing says what it would be made of."""
    hidden = applied(sample.input, unknown(path))
    if path[4] in hidden["plan"]["resources"][path[2]]["property_dependencies"]:
        hidden = applied(hidden, Change((*path[:3], "property_dependencies", path[4]), "no reference", GONE))
    try:
        answer = alone(sample.rule).ask(hidden)
    except EvaluationFailed:
        return False
    return bool(set(sample.expect["fail"]) - set(answer.fail) - set(answer.unknown))


def test_samples_and_tests_kill_most_mutants_of_the_rules() -> None:
    found = [kill(LIBRARY, rule, ENGINE, most=MUTANTS) for rule in LIBRARY.rules]
    made, killed = sum(each.mutants for each in found), sum(each.killed for each in found)
    assert made > 200 and killed / made > 0.75, f"{killed} of {made}"


def test_a_mutant_that_changes_nothing_that_anybody_asks_about_is_told() -> None:
    rule = next(rule for rule in LIBRARY.rules if rule.id == "key_rotated")
    found = kill(LIBRARY, rule, ENGINE)
    assert isinstance(found, Killed) and found.killed + len(found.alive) == found.mutants > 40
    assert {mutant.what for mutant in found.alive} <= {"left out", "30 became 31"}


def test_each_explanation_is_about_rules_that_there_are() -> None:
    known = {rule.id for rule in LIBRARY.rules}
    assert {rule for line in equivalents() for rule in line["rules"]} - known == set()
    kinds = {
        "gone",
        "null",
        "flipped",
        "as text",
        "zero",
        "huge",
        "negative",
        "empty",
        "anything too",
        "anything",
        "abroad",
        "other",
        "number",
        "old",
        "to come",
    }
    assert {how for line in equivalents() for how in line["how"]} - kinds == set()
