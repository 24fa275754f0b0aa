"""What lasts when the local AWS API is killed, and how it starts."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.sandbox.aws.storage import file_name
from tests.sandbox.aws.conftest import REGION, Server

PLACE = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """A server of the one test."""
    running = Server(tmp_path / "aws")
    running.start()
    yield running
    running.kill()


def crash(server: Server) -> Any:
    """kill -9, start again; returns S3 as it is then."""
    server.kill()
    server.start()
    return server.client("s3")


def body(s3: Any, bucket: str, key: str) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_objects_come_back_when_their_bucket_is_made_again_after_a_crash(fresh: Server) -> None:
    s3 = fresh.client("s3")
    s3.create_bucket(Bucket="models", **PLACE)
    keys = ["releases/1/model.onnx", "../../etc/passwd", "..", ".hidden", "space and ünïcode/%2F", "a.b.c", "l" * 900]
    for key in keys:
        s3.put_object(Bucket="models", Key=key, Body=key.encode(), ContentType="text/x-falaj", Metadata={"run": "7"}, Tagging="stage=train")
    s3.put_object(Bucket="models", Key="empty", Body=b"")
    before = s3.head_object(Bucket="models", Key="..")

    s3 = crash(fresh)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.list_objects_v2(Bucket="models")
    s3.create_bucket(Bucket="models", **PLACE)

    assert {key: body(s3, "models", key) for key in keys} == {key: key.encode() for key in keys}
    assert body(s3, "models", "empty") == b""
    after = s3.head_object(Bucket="models", Key="..")
    assert {name: after[name] for name in ("ETag", "ContentType", "Metadata", "LastModified")} == {
        name: before[name] for name in ("ETag", "ContentType", "Metadata", "LastModified")
    }
    assert s3.get_object_tagging(Bucket="models", Key="..")["TagSet"] == [{"Key": "stage", "Value": "train"}]


def test_only_what_was_last_said_comes_back(fresh: Server) -> None:
    s3 = fresh.client("s3")
    s3.create_bucket(Bucket="data", **PLACE)
    for key in ("kept", "replaced", "deleted", "swept-1", "swept-2"):
        s3.put_object(Bucket="data", Key=key, Body=b"first")
    s3.put_object(Bucket="data", Key="replaced", Body=b"second")
    s3.delete_object(Bucket="data", Key="deleted")
    s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "swept-1"}, {"Key": "swept-2"}]})
    s3.copy_object(Bucket="data", Key="copied", CopySource={"Bucket": "data", "Key": "kept"})
    s3.put_object_tagging(Bucket="data", Key="kept", Tagging={"TagSet": [{"Key": "late", "Value": "yes"}]})

    s3 = crash(fresh)
    s3.create_bucket(Bucket="data", **PLACE)

    found = {one["Key"] for one in s3.list_objects_v2(Bucket="data")["Contents"]}
    assert {key: body(s3, "data", key) for key in found} == {"kept": b"first", "replaced": b"second", "copied": b"first"}
    assert s3.get_object_tagging(Bucket="data", Key="kept")["TagSet"] == [{"Key": "late", "Value": "yes"}]


def test_versions_and_parts_last_too(fresh: Server) -> None:
    s3 = fresh.client("s3")
    s3.create_bucket(Bucket="state", **PLACE)
    s3.put_bucket_versioning(Bucket="state", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="state", Key="twice", Body=b"old")
    s3.put_object(Bucket="state", Key="twice", Body=b"new")
    s3.put_object(Bucket="state", Key="hidden", Body=b"x")
    s3.delete_object(Bucket="state", Key="hidden")
    part = b"p" * (5 << 20)
    upload = s3.create_multipart_upload(Bucket="state", Key="large")["UploadId"]
    etags = [s3.upload_part(Bucket="state", Key="large", UploadId=upload, PartNumber=number, Body=data)["ETag"] for number, data in ((1, part), (2, b"end"))]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    whole = s3.complete_multipart_upload(Bucket="state", Key="large", UploadId=upload, MultipartUpload={"Parts": parts})

    s3 = crash(fresh)
    s3.create_bucket(Bucket="state", **PLACE)

    assert sorted(one["Key"] for one in s3.list_objects_v2(Bucket="state")["Contents"]) == ["large", "twice"]
    assert body(s3, "state", "twice") == b"new"
    large = s3.get_object(Bucket="state", Key="large")
    assert (large["Body"].read(), large["ETag"]) == (part + b"end", whole["ETag"])


def test_a_bucket_deleted_on_purpose_stays_empty(fresh: Server) -> None:
    s3 = fresh.client("s3")
    s3.create_bucket(Bucket="gone", **PLACE)
    s3.put_object(Bucket="gone", Key="a", Body=b"a")
    s3.delete_object(Bucket="gone", Key="a")
    s3.delete_bucket(Bucket="gone")
    s3 = crash(fresh)
    s3.create_bucket(Bucket="gone", **PLACE)
    assert s3.list_objects_v2(Bucket="gone")["KeyCount"] == 0


def test_a_locked_evidence_bucket_gets_its_rule_back_with_its_objects(fresh: Server) -> None:
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    s3 = fresh.client("s3")
    s3.create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True, **PLACE)
    s3.put_object_lock_configuration(Bucket="evidence", ObjectLockConfiguration=rule)
    s3.put_object(Bucket="evidence", Key="log", Body=b"signed")

    s3 = crash(fresh)
    s3.create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True, **PLACE)
    s3.put_object_lock_configuration(Bucket="evidence", ObjectLockConfiguration=rule)

    assert body(s3, "evidence", "log") == b"signed"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket="evidence", Key="log", VersionId=s3.head_object(Bucket="evidence", Key="log").get("VersionId", "null"))


def test_an_object_that_cannot_be_kept_is_refused(fresh: Server) -> None:
    s3 = fresh.client("s3")
    s3.create_bucket(Bucket="full", **PLACE)
    (fresh.folder / "buckets").mkdir(parents=True, exist_ok=True)
    (fresh.folder / "buckets" / "full").write_text("a file where a folder must be")
    with pytest.raises(ClientError, match="InsufficientStorage"):
        s3.put_object(Bucket="full", Key="a", Body=b"a")


def test_many_writers_lose_nothing(fresh: Server) -> None:
    s3 = fresh.client("s3")
    s3.create_bucket(Bucket="busy", **PLACE)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: s3.put_object(Bucket="busy", Key=f"k{number}", Body=str(number).encode()), range(60)))
    s3 = crash(fresh)
    s3.create_bucket(Bucket="busy", **PLACE)
    assert {body(s3, "busy", f"k{number}") for number in range(60)} == {str(number).encode() for number in range(60)}


def test_it_serves_soon_after_it_starts(tmp_path: Path) -> None:
    running, begun = Server(tmp_path), time.monotonic()
    running.start()
    seconds = time.monotonic() - begun
    with urllib.request.urlopen(running.url + "/healthz") as answer:
        assert answer.read() == b"ok\n"
    running.kill()
    assert seconds < 15  # about one second on an idle machine


def test_a_taken_port_is_named(fresh: Server) -> None:
    command = [sys.executable, "-m", "infra.sandbox.aws.server", "--port", str(fresh.port), "--folder", str(fresh.folder)]
    second = subprocess.run(command, capture_output=True, text=True)
    assert second.returncode == 2
    assert f"port {fresh.port} is taken" in second.stderr


@pytest.mark.parametrize("key", ["..", "a/../b", ".x", "é" * 300, "a" * 1024, "A%2FB", " ", "/"])
def test_a_key_never_leaves_its_folder(key: str) -> None:
    name = file_name(key)
    assert "/" not in name and not name.startswith(".") and len(name.encode()) < 200


def test_keys_that_look_alike_have_names_of_their_own() -> None:
    keys = ["a/b", "a%2Fb", "a%252Fb", ".a", "%2Ea", "x" * 500, "x" * 501]
    assert len({file_name(key) for key in keys}) == len(keys)


def test_a_region_that_must_be_opted_into_has_its_three_zones(server: Server) -> None:
    zones = server.client("ec2").describe_availability_zones()["AvailabilityZones"]
    assert [zone["ZoneName"] for zone in zones] == ["me-central-1a", "me-central-1b", "me-central-1c"]
