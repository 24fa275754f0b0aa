"""A document whose values are of other types than its rules were written for is denied, and the denial says which value."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from infra.pipeline.evidence_documents import KINDS, problem, template, unlike
from infra.pipeline.gate import judge_evidence, judge_release, judge_repository
from infra.pipeline.policy_engine import RegorusEngine
from infra.pipeline.shapes import misshapen
from tests.policies.samples import LIBRARY, NOON, SAMPLES

ENGINE = RegorusEngine()


def passing(rule: str) -> dict[str, Any]:
    return copy.deepcopy(next(sample.input for sample in SAMPLES if sample.rule.id == rule and sample.verdict == "allowed"))


def put(document: Any, path: str, value: Any) -> None:
    *above, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    for step in above:
        document = document[step]
    document[last] = value


def test_every_sample_has_the_shape_of_its_kind() -> None:
    assert {str(sample): wrong for sample in SAMPLES if (wrong := misshapen(LIBRARY, sample.rule.kind, sample.input))} == {}


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("evaluation/models/int8/language/accuracy", "0.9", "evaluation.models.int8.language.accuracy is not of type number"),
        ("evaluation/slices/full/language/whole/score", None, "evaluation.slices.full.language.whole.score is not of type number"),
        ("data/rows/test", "100", "data.rows.test is not of type integer"),
        ("data/erasure/subjects", -1, "data.erasure.subjects is -1, below 0"),
        ("base_model/digest", "*", "base_model.digest is '*', which does not match ^sha256:[0-9a-f]{64}$"),
        ("model_card/limits", [" "], "model_card.limits[0] is ' ', which does not match \\S"),
        ("evaluation/models/full/language/accuracy", 1.5, "evaluation.models.full.language.accuracy is 1.5, above 1"),
        ("model_card/limits", "none", "model_card.limits is not of type array"),
    ],
)
def test_a_candidate_with_a_value_of_another_type_is_denied(path: str, value: Any, fault: str) -> None:
    input = passing("quality_floor")
    put(input["candidate"], path, value)
    decision = judge_release(input["candidate"], input["observed"], "prod", NOON, engine=ENGINE)
    assert (decision.verdict, decision.faults[-1:]) == ("denied", [f"the candidate is misshapen: {fault}"])


def test_a_plans_mark_in_another_document_is_denied() -> None:
    input = passing("quality_floor")
    put(input["candidate"], "base_model/licence", {"__falaj__": "unknown"})
    decision = judge_release(input["candidate"], input["observed"], "prod", NOON, engine=ENGINE)
    assert (decision.verdict, decision.faults) == ("denied", ["a mark stands in it for a value that is not known, and only plans have those"])


def test_facts_of_a_repository_of_another_type_are_denied() -> None:
    facts = passing("runbooks_there")["repository"]
    facts["runbooks"]["incident"]["steps"] = "4"
    decision = judge_repository(facts, "prod", NOON, subject="here", engine=ENGINE)
    assert (decision.verdict, decision.faults) == ("denied", ["the repository is misshapen: runbooks.incident.steps is not of type integer"])


def test_facts_without_a_part_are_denied() -> None:
    facts = passing("runbooks_there")["repository"]
    del facts["parts"]
    assert "the repository is misshapen: the document lacks parts" in judge_repository(facts, "prod", NOON, subject="here", engine=ENGINE).faults


def test_evidence_of_another_type_is_denied_and_no_document_when_it_is_read() -> None:
    evidence = passing("restore_tested")["evidence"]
    evidence["documents"]["restore_test"][0]["facts"]["succeeded"] = "yes"
    decision = judge_evidence(evidence, "prod", NOON, subject="here", engine=ENGINE)
    why = "facts.succeeded is not like the example"
    assert (decision.verdict, decision.faults) == ("denied", [f"the newest restore_test is misshapen: {why}"])
    from datetime import UTC, datetime

    document = template("restore_test", "prod", by="Huda", now=datetime(2026, 1, 1, tzinfo=UTC))
    assert problem(document) == ""
    document["facts"]["succeeded"] = "yes"
    assert problem(document) == why


@pytest.mark.parametrize("evidence", [None, {}, {"documents": []}, {"documents": {"drift_run": [{}]}}, {"documents": {"drift_run": "none"}}])
def test_evidence_that_is_none_is_denied(evidence: Any) -> None:
    decision = judge_evidence(evidence, "prod", NOON, subject="here", engine=ENGINE)
    assert decision.verdict == "denied" and any("misshapen" in fault for fault in decision.faults)


def test_a_subject_without_a_name_is_a_fault() -> None:
    facts = passing("inventory_owned")["repository"]
    facts["parts"] = [{"stack": "foundation"}]
    decision = judge_repository(facts, "prod", NOON, subject="here", engine=ENGINE)
    assert decision.verdict == "denied" and "rule inventory_owned judged something that has no name" in decision.faults


def test_examples_are_like_themselves_and_numbers_are_no_truths() -> None:
    assert {kind: unlike(each.facts, each.facts, "facts") for kind, each in KINDS.items()} == {kind: [] for kind in KINDS}
    assert unlike({"minutes": True}, {"minutes": 35}, "facts") == ["facts.minutes"]
    assert unlike({"minutes": 35.5, "more": object}, {"minutes": 35}, "facts") == []
    assert unlike({"minutes": -1}, {"minutes": 35}, "facts") == ["facts.minutes"]
    assert unlike([{"id": 1}], [{"id": "a"}], "open") == ["open[0].id"]
