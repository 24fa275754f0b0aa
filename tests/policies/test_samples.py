"""Every rule gives exactly the answers that the samples beside it promise."""

from __future__ import annotations

import pytest

from infra.pipeline.policy_engine import RegorusEngine
from tests.policies.samples import LIBRARY, SAMPLES, VERDICTS, Sample, answers

ENGINE = RegorusEngine()


@pytest.mark.parametrize("rule", LIBRARY.rules, ids=lambda rule: rule.id)
def test_a_rule_answers_its_samples_exactly(rule) -> None:
    mine = [sample for sample in SAMPLES if sample.rule is rule]
    assert {sample.case: answers(ENGINE, rule.kind, sample.input)[rule.id] for sample in mine} == {sample.case: sample.expect for sample in mine}


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_sample_is_what_its_file_says(sample: Sample) -> None:
    failed, unclear = sample.expect["fail"], sample.expect["unknown"]
    assert sample.expect["judged"] and {*failed, *unclear} <= set(sample.expect["judged"])
    assert {"allowed": not failed and not unclear, "denied": failed and not unclear, "unknown": unclear and not failed}[sample.verdict]


def test_every_rule_has_samples_of_all_three_kinds_and_no_case_twice() -> None:
    for rule in LIBRARY.rules:
        mine = [sample for sample in SAMPLES if sample.rule is rule]
        assert {sample.verdict for sample in mine} == set(VERDICTS), rule.id
        assert len({sample.case for sample in mine}) == len(mine), rule.id


def test_every_reason_that_a_rule_can_give_is_given_in_a_sample() -> None:
    gaps = {}
    for rule in LIBRARY.rules:
        mine = [sample for sample in SAMPLES if sample.rule is rule]
        text = rule.path.read_text()
        heads = text.count("\nfail[") + text.count("\nunknown[")
        reasons = {reason for sample in mine for part in ("fail", "unknown") for why in sample.expect[part].values() for reason in why}
        if len(reasons) < heads - _shared_reasons(text):
            gaps[rule.id] = (len(reasons), heads)
    assert gaps == {}


def _shared_reasons(text: str) -> int:
    """Heads that give the same words as another one: two ways to fail for one reason."""
    heads = [line.split(" contains ", 1)[1].removesuffix(" if {") for line in text.splitlines() if line.startswith(("fail[", "unknown["))]
    return len(heads) - len(set(heads)) + sum(head == "why" for head in heads)
