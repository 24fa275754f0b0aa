"""Buckets. What configures one is a resource of its own, whose id is the bucket's name."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.row import Properties, Row, Tags, as_list, from_list, words
from infra.sandbox.aws.types.s3_settings import SETTINGS

_ZONE = "Z3IQBF2CR9K4QO"
"""Hosted zone of S3's website endpoints; a constant that other resources may want to print."""


def _create(api: Api, p: Properties, tags: Tags) -> str:
    place = {} if api.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": api.region}}
    api("s3").create_bucket(Bucket=p["bucket"], ObjectLockEnabledForBucket=bool(p.get("objectLockEnabled")), **place)
    return p["bucket"]


def _finish(api: Api, identity: str, p: Properties) -> None:
    if p.get("tagsAll"):
        api("s3").put_bucket_tagging(Bucket=identity, Tagging={"TagSet": as_list(p["tagsAll"])})


def _read(api: Api, identity: str, known: Properties) -> Properties | None:
    s3 = api("s3")
    if api.absent(s3.head_bucket, Bucket=identity) is None:
        return None
    tags = api.absent(s3.get_bucket_tagging, Bucket=identity) or {}
    lock = api.absent(s3.get_object_lock_configuration, Bucket=identity) or {}
    return {
        "bucket": identity,
        "arn": f"arn:{api.partition}:s3:::{identity}",
        "bucketRegion": api.region,
        "bucketDomainName": f"{identity}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{identity}.s3.{api.region}.amazonaws.com",
        "hostedZoneId": _ZONE,
        "objectLockEnabled": lock.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled",
        "tagsAll": from_list(tags.get("TagSet")),
    }


def _update(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if new.get("tagsAll"):
        _finish(api, identity, new)
    elif "tagsAll" in changed:
        api("s3").delete_bucket_tagging(Bucket=identity)


def _delete(api: Api, identity: str, held: Properties) -> None:
    s3 = api("s3")
    if held.get("forceDestroy"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=identity):
            everything = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            doomed: list[dict[str, Any]] = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in everything]
            if doomed:
                s3.delete_objects(Bucket=identity, Delete={"Objects": doomed, "Quiet": True}, BypassGovernanceRetention=True)
    s3.delete_bucket(Bucket=identity)


def _find(api: Api, p: Properties, mark: Tags) -> str | None:
    return p["bucket"] if api.absent(api("s3").head_bucket, Bucket=p["bucket"]) else None


ROWS = [
    Row(
        type="aws:s3/bucket:Bucket",
        inputs=words("bucket forceDestroy objectLockEnabled"),
        create=_create,
        finish=_finish,
        read=_read,
        update=_update,
        delete=_delete,
        find=_find,
        computed=words("arn bucketDomainName bucketRegion bucketRegionalDomainName hostedZoneId"),
        replaces=words("bucket objectLockEnabled"),
        identity=("bucket",),
        unseen=words("forceDestroy"),
        autoname="bucket",
        tags=True,
    ),
    *SETTINGS,
]
