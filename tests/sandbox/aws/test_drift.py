"""Changes that somebody made by hand in the local AWS: found, told apart, put down to who made them, and nothing written meanwhile."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from falaj.errors import Drifted, Exit
from falaj.home import ROOT, environment_folder, state_folder
from infra.audit.chain import audit_log
from infra.audit.sources import sources
from infra.cli.drift import drift
from infra.engine.embedded import EmbeddedEngine
from infra.engine.program import open_program
from infra.sandbox.aws.api import clients_of
from infra.sandbox.aws.service import REGION, aws_daemon

pytestmark = pytest.mark.slow
ACCOUNT = "123456789012"
MALLORY = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin/mallory@example.com"


@pytest.fixture
def foundation(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The foundation of `local`, applied; its checkpoint."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    daemon = aws_daemon()
    daemon.ensure()
    assert EmbeddedEngine("local").up(open_program(ROOT / "stacks" / "foundation", "local")).error is None
    yield state_folder("local") / "foundation" / "checkpoint.json"
    daemon.stop()


def client(service: str) -> Any:
    return clients_of(aws_daemon().url).get(service, REGION)


def event(call: str, bucket: str, **more: Any) -> dict[str, Any]:
    return {
        "eventTime": "2026-11-26T20:15:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": call,
        "eventID": f"{call} {bucket}",
        "sourceIPAddress": "203.0.113.7",
        "userIdentity": {"type": "AssumedRole", "arn": MALLORY},
        "requestParameters": {"bucketName": bucket},
        "readOnly": False,
        **more,
    }


def asked(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report."""
    result = CliRunner().invoke(drift, ["--infrastructure", "--json", *arguments])
    code = 0 if result.exception is None else result.exception.exit_code if isinstance(result.exception, Drifted) else -1
    assert code >= 0, result.exception
    return code, json.loads(result.stdout)


def test_what_somebody_changed_by_hand_is_found_and_put_down_to_them(foundation: Path, tmp_path: Path) -> None:
    before = foundation.read_bytes()
    code, report = asked()
    assert (code, report["state"], report["drifted"], [each["stack"] for each in report["stacks"]]) == (0, "ok", [], ["foundation"])

    data, logs = f"falaj-local-data-{ACCOUNT}", f"falaj-local-logs-{ACCOUNT}"
    client("s3").delete_bucket_policy(Bucket=data)
    client("s3").put_bucket_versioning(Bucket=logs, VersioningConfiguration={"Status": "Suspended"})
    role, wide = "falaj-local-operator", {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    client("iam").put_role_policy(RoleName=role, PolicyName="operator", PolicyDocument=json.dumps(wide))
    trail = tmp_path / "trail"
    trail.mkdir()
    records = [event("DeleteBucketPolicy", data), event("GetBucketPolicy", data, readOnly=True), event("PutBucketPolicy", data, errorCode="AccessDenied")]
    (trail / "1.json.gz").write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))
    looked_up = {"Events": [{"CloudTrailEvent": json.dumps(event("PutBucketVersioning", logs))}]}
    (trail / "2.json").write_text(json.dumps(looked_up))

    code, report = asked("--trail", str(trail))
    assert (code, report["state"], report["trail"]["calls"]) == (Exit.DRIFT, "drift", 2)
    found = {each["urn"].split("$")[-1]: each for each in report["drifted"]}
    told = {
        name.replace("::", " "): (
            each["what"],
            [change["property"] for change in each["changes"]],
            [call["call"] for call in each["calls"]],
            each["nobody"].split(" in ")[0],
        )
        for name, each in found.items()
    }
    assert told == {
        "aws:iam/rolePolicy:RolePolicy operator": (
            "changed",
            [f"policy.Statement[0].{key}" for key in ("Action", "Resource", "Sid")],
            [],
            "no successful call",
        ),
        "aws:s3/bucketPolicy:BucketPolicy data": ("gone", [], ["s3:DeleteBucketPolicy"], ""),
        "aws:s3/bucketVersioning:BucketVersioning logs": ("changed", ["versioningConfiguration.status"], ["s3:PutBucketVersioning"], ""),
    }
    versioning = found["aws:s3/bucketVersioning:BucketVersioning::logs"]
    assert versioning["changes"] == [{"property": "versioningConfiguration.status", "before": "Enabled", "after": "Suspended"}]
    assert {call["by"] for each in report["drifted"] for call in each["calls"]} == {MALLORY}

    # It was looked at and nothing more; what was found is evidence.
    assert foundation.read_bytes() == before
    kept = sorted((environment_folder("local") / "drift" / "infrastructure").glob("*.json"))
    assert json.loads(kept[-1].read_text()) == report
    names = {source.name: source.kind for source in sources("local", tmp_path / "policies", "", None)}
    assert names[f"drift/infrastructure/{kept[-1].name}"] == "drift"
    assert json.loads(audit_log("local").read_text().splitlines()[-1])["action"] == "looked for drift"

    assert EmbeddedEngine("local").refresh(open_program(ROOT / "stacks" / "foundation", "local")).error is None
    assert EmbeddedEngine("local").up(open_program(ROOT / "stacks" / "foundation", "local")).error is None
    assert asked()[0] == 0
