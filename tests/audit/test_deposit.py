"""A drift report in the evidence bucket: signed, there once, under a lock, and a failure that nobody overlooks."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner
from moto import mock_aws

from falaj.errors import Denied, Drifted, Fault, UsageError
from falaj.signing import public_pem, signing_key
from infra.audit.chain import audit_log
from infra.audit.deposit import SCHEMA, doubt, put, signed
from infra.cli.audit import audit
from infra.cli.drift import drift
from infra.engine import choose
from infra.pipeline.infrastructure_drift import folder
from tests.pipeline.test_infrastructure_drift import POLICY, Reader

pytestmark = pytest.mark.usefixtures("falaj_home")
BUCKET = "falaj-prod-evidence-333333333333"
REPORT = {"schema": "falaj.infrastructure_drift/1", "environment": "prod", "state": "ok"}
NAME = "drift/infrastructure/20261126t210000z.json"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An account with prod's evidence bucket, as stack foundation makes it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "me-central-1")
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True, CreateBucketConfiguration={"LocationConstraint": "me-central-1"})
        rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 365}}}
        s3.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration=rule)
        yield s3


def held(store: Any) -> list[str]:
    return [each["Key"] for each in store.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_a_report_lies_in_the_bucket_as_it_was_signed_and_locked(store: Any) -> None:
    there = put(signed(REPORT), BUCKET, NAME)
    data = store.get_object(Bucket=BUCKET, Key=NAME)["Body"].read()
    assert (there.uri, there.digest) == (f"s3://{BUCKET}/{NAME}", "sha256:" + hashlib.sha256(data).hexdigest())
    assert (json.loads(data)["schema"], json.loads(data)["report"]) == (SCHEMA, REPORT)
    assert doubt(json.loads(data), public_pem(signing_key())) == ""
    with pytest.raises(ClientError, match="AccessDenied"):
        store.delete_object(Bucket=BUCKET, Key=NAME, VersionId=there.version)


def test_what_is_there_is_not_replaced(store: Any) -> None:
    put(signed(REPORT), BUCKET, NAME)
    with pytest.raises(Fault, match="the report is not in the evidence"):
        put(signed({**REPORT, "state": "drift"}), BUCKET, NAME)
    assert json.loads(store.get_object(Bucket=BUCKET, Key=NAME)["Body"].read())["report"] == REPORT


def test_a_bucket_that_keeps_no_versions_is_no_evidence(store: Any) -> None:
    store.create_bucket(Bucket="open", CreateBucketConfiguration={"LocationConstraint": "me-central-1"})
    with pytest.raises(Fault, match="the evidence is not locked"):
        put(signed(REPORT), "open", NAME)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda said: {**said, "report": {**REPORT, "state": "drift"}}, "it was altered after it had been signed"),
        (lambda said: {**said, "digest": "sha256:0"}, "it was altered after it had been signed"),
        (lambda said: {**said, "signature": "no"}, "it was altered after it had been signed"),
        (lambda said: {**said, "key": "sha256:1"}, "it was signed by another key, sha256:1"),
        (lambda said: {name: part for name, part in said.items() if name != "signature"}, "it is no signed report"),
        (lambda said: [said], "it is no signed report"),
    ],
)
def test_a_report_that_is_not_what_was_signed_is_doubted(change: Callable[[Any], Any], why: str) -> None:
    assert doubt(change(signed(REPORT)), public_pem(signing_key())) == why


def test_a_signature_over_another_digest_does_not_make_it_the_reports() -> None:
    from falaj.canonical import canonical

    body = {**{name: part for name, part in signed(REPORT).items() if name != "signature"}, "digest": "sha256:0"}
    wrong = {**body, "signature": base64.b64encode(signing_key().sign(canonical(body))).decode()}
    assert doubt(wrong, public_pem(signing_key())) == "its digest is that of another report"


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`falaj drift --infrastructure --deposit` in prod, where these resources have drifted."""

    def asked(*drifts: Any, environment: str = "prod", lost: tuple[str, ...] = ()) -> Any:
        monkeypatch.setattr(choose, "choose_to_apply", lambda *_, **__: Reader(*drifts, lost=lost))
        words = ["--env", environment, "--infrastructure", "--deposit"]
        return CliRunner().invoke(drift, words, catch_exceptions=False, standalone_mode=False)

    return asked


def noted() -> dict[str, Any]:
    return json.loads(audit_log("prod").read_text().splitlines()[-1])["details"]


def test_the_nightly_look_leaves_its_report_in_the_evidence_and_says_where(store: Any, ask: Callable[..., Any]) -> None:
    assert ask().exit_code == 0
    (name,) = held(store)
    (kept,) = folder("prod").iterdir()
    assert (noted()["deposited"], name) == (f"s3://{BUCKET}/{name}", f"drift/infrastructure/{kept.name}")


def test_what_has_drifted_lies_there_too_before_the_command_ends_with_it(store: Any, ask: Callable[..., Any]) -> None:
    with pytest.raises(Drifted):
        ask(POLICY)
    (name,) = held(store)
    assert (noted()["drifted"], noted()["deposited"]) == (1, f"s3://{BUCKET}/{name}")


@pytest.mark.parametrize(("drifts", "said"), [((), ""), ((POLICY,), ", and 1 resources have drifted")])
def test_what_could_be_read_lies_there_too_and_the_command_fails_for_the_rest(store: Any, ask: Callable[..., Any], drifts: Any, said: str) -> None:
    with pytest.raises(Fault) as caught:
        ask(*drifts, lost=("platform",))
    assert (caught.value.what, caught.value.exit_code) == (f"platform could not be read{said}", 1)
    assert "falaj-platform could not be read whole" in str(caught.value.given)
    (name,) = held(store)
    report = json.loads(store.get_object(Bucket=BUCKET, Key=name)["Body"].read())["report"]
    assert (report["state"], [each["stack"] for each in report["unread"]]) == ("drift" if drifts else "unread", ["platform"])
    assert (noted()["unread"], noted()["drifted"], noted()["deposited"]) == ("platform", len(drifts), f"s3://{BUCKET}/{name}")


def test_a_report_that_does_not_arrive_is_said_before_what_could_not_be_read(store: Any, ask: Callable[..., Any]) -> None:
    store.delete_bucket(Bucket=BUCKET)
    with pytest.raises(Fault) as caught:
        ask(POLICY, lost=("platform",))
    assert caught.value.what == "the report is not in the evidence, and platform could not be read, and 1 resources have drifted"


def test_a_look_whose_report_does_not_arrive_fails_and_keeps_it_here(store: Any, ask: Callable[..., Any], tmp_path: Path) -> None:
    store.delete_bucket(Bucket=BUCKET)
    with pytest.raises(Fault) as caught:
        ask(POLICY)
    assert (caught.value.what, caught.value.exit_code) == ("the report is not in the evidence, and 1 resources have drifted", 1)
    assert "NoSuchBucket" in str(caught.value.why)
    assert len(list(folder("prod").iterdir())) == 1 and "deposited" not in noted()


def test_a_site_has_no_such_bucket(ask: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="this environment has no evidence bucket"):
        ask(environment="onprem")


def test_an_auditor_checks_a_report_offline_with_a_key_had_from_elsewhere(tmp_path: Path) -> None:
    report, key = tmp_path / "report.json", tmp_path / "key.pem"
    report.write_text(json.dumps(signed(REPORT)))
    key.write_bytes(public_pem(signing_key()))

    def verified(*words: str) -> Any:
        return CliRunner().invoke(audit, ["verify", str(report), "--json", *words], catch_exceptions=False, standalone_mode=False)

    assert json.loads(verified("--key", str(key)).stdout)["verdict"] == "genuine"
    with pytest.raises(UsageError, match="whose signature it must be is not said"):
        verified()
    with pytest.raises(UsageError, match="this is no public key"):
        verified("--key", str(report))
    report.write_text(report.read_text().replace('"ok"', '"drift"'))
    with pytest.raises(Denied, match="this report is not genuine"):
        verified("--key", str(key))
