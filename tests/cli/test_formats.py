"""A decision in each format says who failed and why, and no subject's name breaks the document around it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from click.testing import CliRunner

from infra.artifacts import Decision, RuleResult, WaiverUse
from infra.cli.formats import render
from infra.cli.formats.markdown import LONGEST

BUCKET = "urn:pulumi:prod::app::aws:s3/bucket:Bucket::data"
OTHER = "urn:pulumi:prod::app::aws:s3/bucket:Bucket::logs"
THIRD = "urn:pulumi:prod::app::aws:s3/bucket:Bucket::state"


def decision(**changes: Any) -> Decision:
    rule = {
        "rule": "bucket_encrypted",
        "title": "A bucket is encrypted",
        "check": "C02",
        "severity": "high",
        "controls": {"gdpr": ["32(1)(a)"], "iso27001": ["A.8.24"]},
        "remediation": "Encrypt it.",
        "runbook": "gate_denied",
        "judged": [BUCKET, OTHER, THIRD],
        "fail": {BUCKET: ["no key"]},
        "unknown": {OTHER: ["which key?"]},
        **changes,
    }
    return Decision(
        kind="plan",
        environment="prod",
        subject="falaj-foundation/prod",
        subject_digest="sha256:" + "a" * 64,
        policy_digest="sha256:" + "b" * 64,
        parameters_digest="sha256:" + "c" * 64,
        verdict="denied",
        rules=[RuleResult.model_validate(rule)],
        faults=["the engine stumbled"],
        engine="regorus",
        decided_at="2026-01-01T12:00:00Z",
    )


def test_sarif_tells_a_failure_from_an_unknown_and_points_to_the_program() -> None:
    run = json.loads(render([decision()], "sarif", program=""))["runs"][0]
    assert [(found["kind"], found["level"], found["message"]["text"]) for found in run["results"]] == [
        ("fail", "error", "data (aws:s3/bucket:Bucket): no key"),
        ("open", "none", "logs (aws:s3/bucket:Bucket): which key?"),
    ]
    assert len({found["partialFingerprints"]["primaryLocationLineHash"] for found in run["results"]}) == 2
    where = run["results"][0]["locations"][0]
    assert where["physicalLocation"]["artifactLocation"] == {"uri": "stacks/foundation/__main__.py"}
    assert where["logicalLocations"] == [{"fullyQualifiedName": BUCKET, "kind": "resource"}]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["toolExecutionNotifications"] == [{"level": "error", "message": {"text": "the engine stumbled"}}]
    assert run["tool"]["driver"]["rules"][0]["properties"] == {"check": "C02", "security-severity": "8.0", "tags": ["gdpr/32(1)(a)", "iso27001/A.8.24"]}


def test_sarif_keeps_a_waived_failure_and_marks_it_suppressed() -> None:
    run = json.loads(render([decision(waived={BUCKET: "W-1"}, unknown={})], "sarif", program="mine/program"))["runs"][0]
    assert run["results"][0]["suppressions"] == [{"kind": "external", "status": "accepted", "justification": "waiver W-1"}]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "mine/program/__main__.py"}


def test_an_advisory_failure_is_a_note() -> None:
    run = json.loads(render([decision(level="advisory", unknown={})], "sarif", program=""))["runs"][0]
    assert [found["level"] for found in run["results"]] == ["note"]


def test_junit_has_a_case_for_every_judgement_and_every_fault() -> None:
    suite = Xml.fromstring(render([decision()], "junit", program=""))[0]
    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "falaj-foundation/prod",
        "tests": "4",
        "failures": "1",
        "errors": "2",
        "skipped": "0",
    }
    assert [(case.get("name"), [part.tag for part in case]) for case in suite.iter("testcase")] == [
        ("data (aws:s3/bucket:Bucket)", ["failure"]),
        ("logs (aws:s3/bucket:Bucket)", ["error"]),
        ("state (aws:s3/bucket:Bucket)", []),
        ("fault", ["error"]),
    ]


def test_junit_skips_what_is_waived_and_what_up_judges_again() -> None:
    suite = Xml.fromstring(render([decision(waived={BUCKET: "W-1"}, unknown={}, deferred={OTHER: ["which key?"]})], "junit", program=""))[0]
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "2")


@pytest.mark.parametrize("name", ["a\x00b", "<b>&\"'", "]]>", "\ud800", "عربي"])
def test_no_name_breaks_the_junit_document(name: str) -> None:
    urn = f"urn:pulumi:prod::app::aws:s3/bucket:Bucket::{name}"
    Xml.fromstring(render([decision(judged=[urn], fail={urn: [name]}, unknown={})], "junit", program="").encode("utf-8", "replace"))


def test_markdown_says_equal_reasons_once_and_what_to_do_next() -> None:
    many = {f"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b{number:02}": ["no key"] for number in range(10)}
    lines = render([decision(judged=sorted(many), fail=many, unknown={})], "markdown", program="").splitlines()
    assert "- no key" in lines
    assert lines[lines.index("- no key") + 1].endswith("b07 (aws:s3/bucket:Bucket) and 2 more")
    assert "Next: Encrypt it. Runbook: `runbooks/gate_denied.md`." in lines
    assert "- fault in `falaj-foundation/prod`: the engine stumbled" in lines


def test_markdown_takes_no_markup_no_mention_and_no_link_from_a_plan() -> None:
    urn = "urn:pulumi:prod::app::aws:s3/bucket:Bucket::<img src=x> @team #12 [a](b) `c` | d"
    text = render([decision(judged=[urn], fail={urn: ["no key"]}, unknown={})], "markdown", program="")
    assert "\\<img src=x\\> @\u200bteam \\#12 \\[a\\](b) \\`c\\` \\| d" in text


def test_markdown_lists_the_waivers_with_what_became_of_them() -> None:
    words = {"rule": "bucket_encrypted", "resource": BUCKET, "owner": "ml@platform", "reason": "why", "control": "what"}
    uses = [
        WaiverUse(id="w1", **words, approvers=["ada", "bilal"], expires="2026-01-31T00:00:00Z", state="used"),
        WaiverUse(id="w2", **words, approvers=["ada", "bilal"], expires="2025-12-31T00:00:00Z", state="refused", why="it expired at 2025-12-31T00:00:00Z"),
    ]
    lines = render([decision().model_copy(update={"waivers": uses})], "markdown", program="").splitlines()
    of = "bucket\\_encrypted of data (aws:s3/bucket:Bucket), owner ml@\u200bplatform, until"
    assert [line for line in lines if line.startswith("- waiver")] == [
        f"- waiver w1 (used): {of} 2026-01-31T00:00:00Z",
        f"- waiver w2 (refused): {of} 2025-12-31T00:00:00Z; it expired at 2025-12-31T00:00:00Z",
    ]


def test_markdown_stays_below_what_a_forge_takes() -> None:
    many = {f"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b{number}": [f"reason {number} " + "x" * 100] for number in range(2000)}
    text = render([decision(judged=sorted(many), fail=many, unknown={})], "markdown", program="")
    assert len(text) < LONGEST + 100 and text.endswith("see the decision file of this run.\n")


@pytest.mark.parametrize("format", ["sarif", "junit", "markdown", "json", "text"])
def test_the_gate_writes_its_answer_to_a_file_and_the_text_to_the_terminal(format: str, falaj_home: Path, tmp_path: Path) -> None:
    from infra.cli.gate import gate

    folder, out = tmp_path / "program", tmp_path / "answer"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: someones\nruntime: python\n")
    (folder / "__main__.py").write_text("import pulumi_aws as aws\n\naws.s3.Bucket('data')\n")
    result = CliRunner().invoke(gate, [str(folder), "--env", "dev", "--format", format, "--out", str(out)])
    assert "bucket_encrypted" in result.stdout and "bucket_encrypted" in out.read_text()
    assert type(result.exception).__name__ == "Denied"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"unknown": {}}, "DENIED   bucket_encrypted"),
        ({"unknown": {}, "level": "advisory"}, "ADVICE   bucket_encrypted"),
        ({"unknown": {}, "waived": {BUCKET: "W-1"}}, "WAIVED   bucket_encrypted"),
        ({"fail": {}}, "UNKNOWN  bucket_encrypted"),
        ({"fail": {}, "unknown": {}, "deferred": {OTHER: ["which key?"]}}, "LATER    bucket_encrypted"),
    ],
)
def test_the_text_says_what_a_finding_does(changes: dict[str, Any], word: str) -> None:
    from infra.cli.gate import show

    assert any(line.startswith(word) for line in show([decision(**changes)]).splitlines())


def test_the_text_names_waivers_faults_and_types_that_no_rule_knows() -> None:
    from infra.artifacts import WaiverUse
    from infra.cli.gate import show

    waiver = WaiverUse(
        id="W-1",
        rule="bucket_encrypted",
        resource=BUCKET,
        owner="ml",
        reason="r",
        control="c",
        approvers=["a", "b"],
        expires="2026-02-01",
        state="refused",
        why="expired",
    )
    text = show([decision().model_copy(update={"unjudged": {"aws:x/y:Y": 2}, "waivers": [waiver]})])
    assert "FAULT    falaj-foundation/prod: the engine stumbled" in text
    assert "UNJUDGED falaj-foundation/prod: no rule knows aws:x/y:Y (2); review it in policies/reviewed_types.json" in text
    assert "WAIVER   W-1 (refused): bucket_encrypted of data (aws:s3/bucket:Bucket), owner ml, until 2026-02-01; expired" in text
