"""Every single change of every document that a rule passes, and every mutant of every rule: what `falaj policy test --mutation` does, rule by rule."""

from __future__ import annotations

import pytest

from infra.artifacts import Plan
from infra.authoring.mutation import Score, equivalents, score
from infra.authoring.rego_mutation import Killed, kill
from infra.pipeline.library import Rule
from tests.policies.samples import LIBRARY
from tests.proof.broken import ENGINE, alone

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("plans of prod")]
MOST_EXPLAINED, LEAST_KILLED = 0.5, 0.8
"""Of changes of held places those that equivalents.yaml explains, at most; of mutants of rules those that are killed, at least."""
SCORES: list[Score] = []
KILLED: list[Killed] = []


@pytest.mark.parametrize("rule", LIBRARY.rules, ids=lambda rule: rule.id)
def test_no_change_of_a_held_place_survives_unexplained(rule: Rule, plans: list[Plan]) -> None:
    found = score(LIBRARY, rule, plans, alone(rule))
    SCORES.append(found)
    assert sorted({survivor.key for survivor in found.open}) == []
    assert found.noticed + found.never_passed + found.explained == found.breaking + found.unknowns


@pytest.mark.parametrize("rule", LIBRARY.rules, ids=lambda rule: rule.id)
def test_samples_and_tests_kill_what_is_changed_in_a_rule(rule: Rule) -> None:
    found = kill(LIBRARY, rule, ENGINE)
    KILLED.append(found)
    assert found.mutants > 0 and found.killed > 0


def test_no_more_is_explained_and_no_less_is_killed_than_policies_say() -> None:
    """The score stands in policies/README.md; a part of the run says nothing of the whole."""
    if len(SCORES) < len(LIBRARY.rules) or len(KILLED) < len(LIBRARY.rules):
        pytest.skip("only a part was run")
    changes = sum(each.breaking + each.unknowns for each in SCORES)
    assert sum(each.noticed + each.never_passed for each in SCORES) > 10_000
    assert sum(each.explained for each in SCORES) / changes < MOST_EXPLAINED
    assert sum(each.killed for each in KILLED) / sum(each.mutants for each in KILLED) > LEAST_KILLED


def test_each_explanation_explains_something_of_each_of_its_rules() -> None:
    """One that nothing needs any more would hide the next hole."""
    needed = {(survivor.rule, survivor.why) for each in SCORES for survivor in each.survivors}
    judged = {each.rule for each in SCORES}
    assert [(rule, line["why"]) for line in equivalents() for rule in line["rules"] if rule in judged and (rule, line["why"]) not in needed] == []
