"""What the gate makes of the rules' answers: pass is what is left, and nothing that goes wrong is a yes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from falaj.canonical import digest
from falaj.errors import Denied, Exit, Undecided, UsageError
from infra.artifacts import Decision, Plan
from infra.pipeline.gate import instant, judge_file, judge_plan, judge_release, judge_repository, refuse_unless_allowed
from infra.pipeline.policy_engine import EvaluationFailed, RegorusEngine, choose
from tests.policies.samples import LIBRARY, NOON, PARAMETERS, SAMPLES, plan_of

URN = "urn:pulumi:prod::app::aws:s3/bucket:Bucket::data"
BUCKET = {"urn": URN, "type": "aws:s3/bucket:Bucket", "name": "data", "op": "create", "custom": True, "inputs": {"bucket": "falaj-data"}}
PROVIDER = "urn:pulumi:prod::app::pulumi:providers:aws::aws"
KEY = "urn:pulumi:prod::app::aws:kms/key:Key::key"
TAGS = {"owner": "ml", "environment": "prod", "data-class": "internal", "purpose": "training", "legal-basis": "contract", "retention": "1 year"}
RULES = [rule.id for rule in LIBRARY.of_kind("plan")]


class Says:
    """A policy engine that gives prepared answers; rules it is not told about judged nobody."""

    name = "prepared"

    def __init__(self, answer: Any = None, /, **rules: dict[str, Any]) -> None:
        self.answer = answer
        self.rules = rules

    def evaluate(self, modules: Any, digest: str, rule: str, input: Any) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        if self.answer is not None:
            return self.answer
        return [said(name, **self.rules.get(name, {})) for name in RULES]


def said(rule: str, judged: Sequence[Any] = (), overlooked: Sequence[str] = (), **found: Any) -> dict[str, Any]:
    """The brief answer of a rule for a plan that holds nobody else whom it must judge."""
    return {"rule": rule, "beyond": list(judged), "overlooked": list(overlooked), "fail": {}, "unknown": {}, **found}


@pytest.fixture
def happy() -> Plan:
    """A key of ours, rotated and tagged, made in the country: every rule that judges it is content."""
    return plan_of(
        [
            {
                "urn": PROVIDER,
                "type": "pulumi:providers:aws",
                "name": "aws",
                "op": "create",
                "custom": True,
                "inputs": {"region": "me-central-1", "allowedAccountIds": ["111122223333"]},
            },
            {
                **{"urn": KEY, "type": "aws:kms/key:Key", "name": "key", "op": "create", "custom": True, "provider": f"{PROVIDER}::"},
                "inputs": {"enableKeyRotation": True, "tags": TAGS},
            },
        ]
    )


def judged(plan: Plan, engine: Any = None) -> Decision:
    return judge_plan(plan, PARAMETERS, NOON, engine=engine or RegorusEngine())


def changed(plan: Plan, **inputs: Any) -> Plan:
    resources = [resource.to_json() for resource in plan.resources]
    resources[1]["inputs"] |= inputs
    return plan_of(resources)


def test_a_happy_plan_is_allowed_and_bound_to_all_that_decided(happy: Plan) -> None:
    decision = judged(happy)
    bound = (decision.verdict, decision.faults, decision.subject, decision.subject_digest, decision.policy_digest, decision.parameters_digest, decision.state)
    assert bound == ("allowed", [], "app/prod", happy.digest, LIBRARY.digest, digest(PARAMETERS), happy.state)
    assert [result.rule for result in decision.rules] == RULES
    assert (decision.decided_at, decision.engine) == (NOON, "regorus")
    refuse_unless_allowed(decision)


def test_one_changed_fact_is_denied_with_the_reason_and_the_remedy(happy: Plan) -> None:
    decision = judged(changed(happy, enableKeyRotation=False))
    failed = {result.rule: result.fail for result in decision.rules if result.fail}
    assert (decision.verdict, failed) == ("denied", {"key_rotated": {KEY: ["rotation is off"]}})
    with pytest.raises(Denied) as refusal:
        refuse_unless_allowed(decision)
    assert refusal.value.exit_code == Exit.DENIED
    assert refusal.value.answers()["given"] == "1 failures, of rules key_rotated"


def test_one_unknown_fact_is_undecided(happy: Plan) -> None:
    decision = judged(changed(happy, enableKeyRotation={"__falaj__": "unknown"}))
    unclear = {result.rule: result.unknown for result in decision.rules if result.unknown}
    assert (decision.verdict, unclear) == ("undecided", {"key_rotated": {KEY: ["enableKeyRotation is not known before an apply"]}})
    with pytest.raises(Undecided) as refusal:
        refuse_unless_allowed(decision)
    assert refusal.value.exit_code == Exit.UNDECIDED


def test_a_failure_weighs_more_than_an_unknown(happy: Plan) -> None:
    decision = judged(changed(happy, enableKeyRotation=False, multiRegion={"__falaj__": "unknown"}))
    assert decision.verdict == "denied"


def test_a_gate_that_judged_nothing_does_not_allow() -> None:
    decision = judged(plan_of([]))
    assert (decision.verdict, decision.faults) == ("denied", ["no rule found anything to judge"])


def test_what_is_deleted_is_not_judged_and_a_plan_of_deletions_alone_is_denied() -> None:
    assert judged(plan_of([{**BUCKET, "op": "delete"}])).faults == ["no rule found anything to judge"]


def test_a_plan_that_holds_a_resource_twice_is_not_allowed(happy: Plan) -> None:
    decision = judged(plan_of([resource.to_json() for resource in [*happy.resources, happy.resources[1]]]), Says(key_rotated={"judged": [KEY]}))
    assert (decision.verdict, decision.faults) == ("denied", [f"the plan holds {KEY} twice"])


@pytest.mark.parametrize("part", ["fail", "unknown"])
def test_a_rule_that_speaks_of_what_it_did_not_judge_is_at_fault(happy: Plan, part: str) -> None:
    decision = judged(happy, Says(key_rotated={"judged": [KEY], part: {"urn:other": ["why"]}}))
    assert decision.faults == [f"rule key_rotated says {part} of urn:other, which it did not judge"]
    assert decision.verdict == "denied"


@pytest.mark.parametrize(
    ("engine", "fault"),
    [
        (Says(EvaluationFailed("boom")), "the policy engine failed: boom"),
        (Says("not a list"), "the policy engine failed: the rules gave no answer at all"),
    ],
)
def test_an_engine_that_fails_is_a_fault(happy: Plan, engine: Says, fault: str) -> None:
    decision = judged(happy, engine)
    assert (decision.verdict, decision.faults, decision.rules) == ("denied", [fault], [])


def test_a_rule_without_an_answer_or_with_two_is_a_fault(happy: Plan) -> None:
    given = [said(name, [KEY]) for name in [*RULES[1:], RULES[1]]]
    decision = judged(happy, Says(given))
    assert (decision.verdict, decision.faults) == ("denied", [f"rule {RULES[0]} gave 0 answers", f"rule {RULES[1]} gave 2 answers"])


def test_an_answer_of_an_unknown_rule_is_a_fault(happy: Plan) -> None:
    given = [said(name, [KEY]) for name in [*RULES, "stranger"]]
    assert judged(happy, Says(given)).faults == ["an answer came from 'stranger', which is no rule"]


def test_a_misshapen_plan_makes_the_embedded_engine_fail_and_so_a_fault() -> None:
    decision = judged(plan_of([{**BUCKET, "inputs": {"bucket": "falaj-data", "serverSideEncryptionConfiguration": "nonsense"}}, _namespace(metadata=[1])]))
    assert decision.verdict != "allowed"


def _namespace(**inputs: Any) -> dict[str, Any]:
    return {"urn": "urn:ns", "type": "kubernetes:core/v1:Namespace", "name": "ns", "op": "create", "custom": True, "inputs": inputs}


def test_a_panic_of_the_engine_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        pass

    engine = RegorusEngine()
    monkeypatch.setattr(engine, "_loaded", lambda modules, digest: (_ for _ in ()).throw(Panic("unsendable")))
    with pytest.raises(EvaluationFailed, match="unsendable"):
        engine.evaluate({}, "", "data.x", {})


def test_the_embedded_engine_answers_from_any_thread(happy: Plan) -> None:
    engine, found = RegorusEngine(), []
    threads = [threading.Thread(target=lambda: found.append(judged(happy, engine).verdict)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["allowed"] * 3


def test_the_same_plan_gives_the_same_decision_to_the_byte(happy: Plan) -> None:
    assert judged(happy).digest == judged(happy, RegorusEngine()).digest


def test_the_parameters_are_those_of_the_plans_environment() -> None:
    plan = plan_of([{**BUCKET, "type": "aws:kms/key:Key", "urn": KEY, "inputs": {"enableKeyRotation": True, "deletionWindowInDays": 7}}], environment="dev")
    fails = {result.rule for result in judge_plan(plan, now=NOON, engine=RegorusEngine()).rules if result.fail}
    assert "key_rotated" not in fails
    assert "key_rotated" in {result.rule for result in judge_plan(plan, PARAMETERS, NOON, engine=RegorusEngine()).rules if result.fail}


def test_a_judged_file_leaves_its_decision_and_parameters_beside_it(happy: Plan, tmp_path: Path) -> None:
    happy.write(tmp_path / "plan.json")
    decision = judge_file(tmp_path / "plan.json", now=NOON, engine=RegorusEngine())
    assert Decision.read(tmp_path / "decision.json") == decision
    assert digest(LIBRARY.parameters("prod")) == decision.parameters_digest
    assert (tmp_path / "parameters.json").exists()


@pytest.mark.parametrize("content", ["", '{"environment": "prod"', "[]", '{"environment": "prod"}', '{"verdict": "allowed"}'])
def test_a_truncated_or_foreign_plan_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(UsageError):
        judge_file(tmp_path / "plan.json", now=NOON)


def test_every_candidate_sample_is_judged_as_a_release() -> None:
    allowed = next(sample for sample in SAMPLES if sample.rule.id == "digests_match" and sample.verdict == "allowed")
    decision = judge_release(allowed.input["candidate"], allowed.input["observed"], "prod", NOON, engine=RegorusEngine())
    assert (decision.kind, decision.subject, decision.verdict, decision.state) == ("release", "r1", "allowed", None)
    assert decision.subject_digest == digest(allowed.input["candidate"])


def test_int8_that_loses_more_than_two_percent_is_denied() -> None:
    sample = next(sample for sample in SAMPLES if sample.rule.id == "compression_loss" and sample.verdict == "denied")
    decision = judge_release(sample.input["candidate"], sample.input["observed"], "prod", NOON, engine=RegorusEngine())
    assert {result.rule: result.fail for result in decision.rules if result.fail} == {"compression_loss": sample.expect["fail"]}
    assert decision.verdict == "denied"


@pytest.mark.parametrize("candidate", [{}, {"schema": "falaj.candidate/1"}, {"schema": "falaj.candidate/2", "run": "r1"}, []])
def test_what_is_no_candidate_is_refused(candidate: Any) -> None:
    with pytest.raises(UsageError, match="not a candidate"):
        judge_release(candidate, {}, "prod", NOON)


def test_an_unknown_policy_engine_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="no policy engine 'regopy'"):
        choose("regopy")


def test_moments_are_written_in_utc() -> None:
    from datetime import datetime, timedelta, timezone

    assert instant(datetime(2026, 1, 1, 4, tzinfo=timezone(timedelta(hours=4)))) == "2026-01-01T00:00:00Z"


def test_a_rule_that_overlooks_a_subject_of_its_own_is_at_fault(happy: Plan) -> None:
    decision = judged(happy, Says(key_rotated={"judged": [], "overlooked": [KEY]}, provider_region={"judged": [PROVIDER]}))
    assert (decision.verdict, decision.faults) == ("denied", [f"rule key_rotated did not judge {KEY}, which it must"])


def test_a_rule_is_advisory_before_the_day_it_is_in_force(happy: Plan) -> None:
    broken = changed(happy, enableKeyRotation=False)
    before, after = (judge_plan(broken, PARAMETERS, f"{day}T00:00:00Z", engine=RegorusEngine()) for day in ("2025-12-31", "2026-01-01"))
    levels = [next(result.level for result in decision.rules if result.rule == "key_rotated") for decision in (before, after)]
    assert (before.verdict, after.verdict, levels) == ("allowed", "denied", ["advisory", "mandatory"])


STRANGER = {
    "urn": "urn:pulumi:prod::app::aws:ec2/keyPair:KeyPair::d",
    "type": "aws:ec2/keyPair:KeyPair",
    "name": "d",
    "op": "create",
    "custom": True,
}


@pytest.mark.parametrize(("wish", "verdict"), [("report", "allowed"), ("deny", "denied")])
def test_a_type_that_no_rule_knows_is_reported_and_denied_where_the_environment_says_so(happy: Plan, wish: str, verdict: str) -> None:
    stranger = {**STRANGER, "provider": f"{PROVIDER}::", "inputs": {"tags": TAGS}}
    plan = plan_of([*(resource.to_json() for resource in happy.resources), stranger])
    decision = judge_plan(plan, {**PARAMETERS, "unjudged_types": wish}, NOON, engine=RegorusEngine())
    faults = ["no rule knows type aws:ec2/keyPair:KeyPair (1 of it), and nobody has reviewed it"] if wish == "deny" else []
    assert (decision.verdict, decision.unjudged, decision.faults) == (verdict, {"aws:ec2/keyPair:KeyPair": 1}, faults)


def test_prod_denies_a_type_that_nobody_has_looked_at() -> None:
    assert {environment: LIBRARY.parameters(environment)["unjudged_types"] for environment in LIBRARY.environments} == {
        "dev": "report",
        "local": "report",
        "onprem": "deny",
        "staging": "report",
        "prod": "deny",
    }


def test_documents_of_a_repository_that_no_rule_judges_are_denied() -> None:
    decision = judge_repository({}, "prod", NOON, subject="here", parameters=PARAMETERS, engine=Says([]))
    assert (decision.kind, decision.verdict) == ("repository", "denied") and "no rule found anything to judge" in decision.faults
