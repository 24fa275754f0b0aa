"""Who changed what: a trail as CloudTrail writes it, and plain words where it tells nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from falaj.canonical import digest_bytes
from falaj.errors import Fault, UsageError
from falaj.files import write_json
from infra.artifacts import SECRET, StateRef
from infra.cli.drift import drift
from infra.cli.output import redact
from infra.engine.differences import Change, Drift, changes
from infra.engine.embedded import EmbeddedEngine
from infra.engine.engine import Program, Seen
from infra.pipeline.infrastructure_drift import look
from infra.pipeline.trail import read_trail, those_about

pytestmark = pytest.mark.usefixtures("falaj_home")
NOW = "2026-11-26T21:00:00Z"
STATE = StateRef(serial=3, digest=digest_bytes(b""))
BUCKET = "falaj-prod-data-333333333333"
ARN = f"arn:aws:s3:::{BUCKET}"
POLICY = Drift("urn:pulumi:prod::falaj-foundation::aws:s3/bucketPolicy:BucketPolicy::data", "aws:s3/bucketPolicy:BucketPolicy", BUCKET, "delete", (), (BUCKET,))
POD = Drift("urn:pulumi:prod::falaj-platform::kubernetes:core/v1:Namespace::a", "kubernetes:core/v1:Namespace", "a", "delete", (), ("a",))


class Reader:
    """An engine whose only stack is the foundation, besides those that it cannot read."""

    name = "reader"

    def __init__(self, *drifts: Drift, serial: int = 3, lost: Sequence[str] = ()) -> None:
        self._drifts, self._serial, self._lost = list(drifts), serial, [f"falaj-{stack}" for stack in lost]

    def state(self, program: Any) -> StateRef:
        return StateRef(serial=self._serial if program.project in ("falaj-foundation", *self._lost) else 0, digest=STATE.digest)

    def look(self, program: Any) -> Seen:
        if program.project in self._lost:
            raise Fault(f"{program.project} could not be read whole", given="password=hunter2-and-more dial tcp 10.40.0.9:443: i/o timeout")
        return Seen(STATE, 4, self._drifts)


def record(call: str = "DeleteBucketPolicy", **more: Any) -> dict[str, Any]:
    return {
        "eventTime": "2026-11-26T20:15:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": call,
        "eventID": f"id of {call} {more.get('eventTime', '')}",
        "sourceIPAddress": "203.0.113.7",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::333333333333:user/mallory"},
        "requestParameters": {"bucketName": BUCKET, "Host": "s3.me-central-1.amazonaws.com"},
        **more,
    }


def trail(folder: Path, *records: dict[str, Any]) -> Path:
    write_json(folder / "trail" / "log.json", {"Records": list(records)})
    return folder / "trail"


def found(*drifts: Drift, trail: Path | None = None) -> list[tuple[str, list[str], str]]:
    report = look("prod", engine=Reader(*drifts), trail=trail, now=NOW, say=lambda text: None)  # ty: ignore[invalid-argument-type]
    return [(each.what, [f"{call.by.rsplit('/', 1)[-1]} {call.call}" for call in each.calls], each.nobody) for each in report.drifted]


def test_the_last_call_that_named_a_resource_comes_first(tmp_path: Path) -> None:
    calls = trail(tmp_path, record("PutBucketPolicy", eventTime="2026-11-26T19:00:00Z"), record())
    assert found(POLICY, trail=calls) == [("gone", ["mallory s3:DeleteBucketPolicy", "mallory s3:PutBucketPolicy"], "")]


@pytest.mark.parametrize(
    "changed",
    [
        {"readOnly": True},
        {"errorCode": "AccessDenied"},
        {"requestParameters": {"bucketName": "another"}},
        {"requestParameters": None},
        {"eventSource": "backup.amazonaws.com"},
    ],
    ids=["it only read", "it failed", "it named another", "it named nothing", "it was another service's"],
)
def test_a_call_that_changed_nothing_of_it_names_nobody(tmp_path: Path, changed: dict[str, Any]) -> None:
    (what, calls, nobody) = found(POLICY, trail=trail(tmp_path, record(**changed)))[0]
    assert (what, calls, nobody.split(";")[0]) == ("gone", [], "no successful call in the audit trail names it")


def test_without_a_trail_and_within_a_cluster_it_is_said_that_nobody_can_be_named(tmp_path: Path) -> None:
    assert found(POLICY)[0][2] == "no audit trail was given"
    assert found(POD, trail=trail(tmp_path, record()))[0][2].startswith("the audit trail knows calls of AWS alone")


def test_what_the_apply_itself_called_is_not_put_down_to_somebody(tmp_path: Path) -> None:
    events = read_trail(trail(tmp_path, record()))
    assert [event.call for event in those_about(events, POLICY.type, POLICY.names, since="2026-11-26T20:14:59Z")] == ["DeleteBucketPolicy"]
    assert those_about(events, POLICY.type, POLICY.names, since="2026-11-26T20:15:00Z") == []


@pytest.mark.parametrize("text", ["{", "[]", '{"Records": [1]}', '{"Events": [{}]}', '{"Records": [{"eventName": "PutBucketPolicy"}]}'])
def test_a_file_that_is_no_log_is_named_and_not_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.json").write_text(text)
    with pytest.raises(UsageError) as refusal:
        read_trail(tmp_path)
    assert refusal.value.given == str(tmp_path / "1.json")


def test_digest_files_of_the_trail_are_no_logs(tmp_path: Path) -> None:
    (tmp_path / "1_CloudTrail-Digest_me-central-1.json").write_text(json.dumps({"digestEndTime": NOW}))
    assert read_trail(tmp_path) == []


def test_a_folder_that_is_not_there_and_an_environment_that_was_never_applied_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of audit events"):
        read_trail(tmp_path / "trail")
    with pytest.raises(UsageError, match="nothing was applied here"):
        look("prod", engine=Reader(serial=0), trail=None, now=NOW, say=lambda text: None)  # ty: ignore[invalid-argument-type]


def test_what_cannot_be_read_stands_in_the_report_and_the_rest_is_read_all_the_same() -> None:
    reader = Reader(POLICY, lost=("platform", "workloads"))
    report = look("prod", engine=reader, trail=None, now=NOW, say=lambda text: None, redact=redact)  # ty: ignore[invalid-argument-type]
    assert (report.state, [each.stack for each in report.stacks], [each.what for each in report.drifted]) == ("drift", ["foundation"], ["gone"])
    assert [each.stack for each in report.unread] == ["platform", "workloads"]
    assert "10.40.0.9:443: i/o timeout" in report.unread[0].why and "hunter2" not in str(report.to_json())


@pytest.mark.parametrize(("lost", "read"), [(("platform",), 1), (("foundation", "platform"), 0)])
def test_no_drift_in_what_could_be_read_is_not_as_it_was_applied(lost: Sequence[str], read: int) -> None:
    report = look("prod", engine=Reader(lost=lost), trail=None, now=NOW, say=lambda text: None)  # ty: ignore[invalid-argument-type]
    assert (report.state, len(report.stacks), len(report.unread)) == ("unread", read, len(lost))


def test_what_differs_is_named_by_its_path_into_documents_as_well() -> None:
    before = {"tags": {"owner": "ml", "a": "1"}, "policy": '{"Statement": [{"Effect": "Deny"}]}', "zones": ["a"], "key": SECRET}
    after = {"tags": {"owner": "mallory"}, "policy": '{"Statement":[{"Effect":"Allow"}]}', "zones": ["a", "b"], "key": SECRET}
    assert changes(before, after) == [
        Change("policy.Statement[0].Effect", "Deny", "Allow"),
        Change("tags.a", "1", None),
        Change("tags.owner", "ml", "mallory"),
        Change("zones", ["a"], ["a", "b"]),
    ]


@pytest.mark.parametrize(
    "options", [["--infrastructure", "--hours", "1"], ["--infrastructure", "--demo"], ["--trail", "."], ["--deposit"], ["--engine", "pulumi"]]
)
def test_options_of_one_kind_of_drift_are_refused_beside_the_other(options: list[str]) -> None:
    with pytest.raises(UsageError, match="these options do not go with the drift of"):
        CliRunner().invoke(drift, options, catch_exceptions=False, standalone_mode=False)


def test_an_environment_in_a_cloud_is_looked_at_by_the_cli_alone() -> None:
    with pytest.raises(UsageError, match="the embedded engine does not look at what is live in 'prod'"):
        EmbeddedEngine("prod").look(Program(Path("."), "falaj-foundation", "prod"))
