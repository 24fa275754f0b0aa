"""The settings of a bucket: each is put whole, read whole and removed whole, under the bucket's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, block, words
from infra.sandbox.aws.shapes import from_api, only, to_api

_Read = Callable[[Api, str], Properties | None]


def _setting(name: str, own: str, put: Callable[[Any, str, Properties], Any], read: _Read, remove: Callable[[Any, str], Any], **more: Any) -> Row:
    """A row for `aws:s3/<name>`; `put` and `remove` get the S3 client and the bucket's name."""

    def see(api: Api, identity: str, known: Properties) -> Properties | None:
        seen = read(api, identity)
        return None if seen is None else {"bucket": identity, **seen}

    def create(api: Api, p: Properties, tags: Any) -> str:
        put(api("s3"), p["bucket"], p)
        return p["bucket"]

    return Row(
        type=f"aws:s3/{name[0].lower()}{name[1:]}:{name}",
        inputs=words(own) | {"bucket"},
        create=create,
        read=see,
        update=lambda api, identity, old, new, changed: put(api("s3"), identity, new),
        delete=lambda api, identity, held: remove(api("s3"), identity),
        find=lambda api, p, mark: p["bucket"] if see(api, p["bucket"], p) else None,
        replaces=words("bucket"),
        identity=("bucket",),
        **more,
    )


def _put_versioning(s3: Any, bucket: str, p: Properties) -> None:
    wanted = block(p["versioningConfiguration"])
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": wanted["status"]})


def _read_versioning(api: Api, bucket: str) -> Properties | None:
    found = api("s3").get_bucket_versioning(Bucket=bucket)
    if "Status" not in found:
        return None
    return {"versioningConfiguration": {"status": found["Status"], **({"mfaDelete": found["MFADelete"]} if found.get("MFADelete") else {})}}


def _suspend_versioning(s3: Any, bucket: str) -> None:
    try:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    except s3.exceptions.ClientError as problem:
        # Object Lock keeps versioning on for good; the setting goes when the bucket does.
        if problem.response["Error"]["Code"] != "InvalidBucketState":
            raise


def _put_encryption(s3: Any, bucket: str, p: Properties) -> None:
    rules = []
    for rule in p["rules"]:
        default = block(rule.get("applyServerSideEncryptionByDefault"))
        by_default = {"SSEAlgorithm": default["sseAlgorithm"], **({"KMSMasterKeyID": default["kmsMasterKeyId"]} if default.get("kmsMasterKeyId") else {})}
        rules.append({"ApplyServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": bool(rule.get("bucketKeyEnabled"))})
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def _read_encryption(api: Api, bucket: str) -> Properties | None:
    found = api("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    rules = []
    for rule in found:
        default = rule["ApplyServerSideEncryptionByDefault"]
        key = {"kmsMasterKeyId": default["KMSMasterKeyID"]} if default.get("KMSMasterKeyID") else {}
        rules.append(
            {"applyServerSideEncryptionByDefault": {"sseAlgorithm": default["SSEAlgorithm"], **key}, "bucketKeyEnabled": bool(rule.get("BucketKeyEnabled"))}
        )
    return {"rules": rules}


_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _put_access_block(s3: Any, bucket: str, p: Properties) -> None:
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=to_api({name: bool(p.get(name)) for name in _BLOCKS}))


def _read_access_block(api: Api, bucket: str) -> Properties | None:
    return from_api(api("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"])


def _read_ownership(api: Api, bucket: str) -> Properties | None:
    rules = api("s3").get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    return {"rule": from_api(rules[0])}


def _put_lifecycle(s3: Any, bucket: str, p: Properties) -> None:
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [_lifecycle_rule(rule) for rule in p["rules"]]})


def _lifecycle_rule(rule: Properties) -> dict[str, Any]:
    made = to_api({key: value for key, value in rule.items() if key not in ("filter", "id")})
    made["ID"] = rule["id"]
    if "Prefix" in made:
        return made
    given = block(rule.get("filter"))
    joined = block(given.get("and"))
    if joined:
        tags = [{"Key": key, "Value": value} for key, value in (joined.get("tags") or {}).items()]
        made["Filter"] = {"And": {**to_api(only(joined, "prefix", "objectSizeGreaterThan", "objectSizeLessThan")), **({"Tags": tags} if tags else {})}}
    else:
        made["Filter"] = to_api(only(given, "prefix", "objectSizeGreaterThan", "objectSizeLessThan", "tag")) or {"Prefix": ""}
    return made


def _read_lifecycle(api: Api, bucket: str) -> Properties | None:
    rules = from_api(api("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"])
    for rule in rules:
        joined = rule.get("filter", {}).get("and")
        if joined and "tags" in joined:
            joined["tags"] = {tag["key"]: tag["value"] for tag in joined["tags"]}
    return {"rules": rules}


def _put_logging(s3: Any, bucket: str, p: Properties) -> None:
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": to_api(only(p, "targetBucket", "targetPrefix", "targetObjectKeyFormat"))})


def _read_logging(api: Api, bucket: str) -> Properties | None:
    found = api("s3").get_bucket_logging(Bucket=bucket).get("LoggingEnabled")
    return from_api({key: value for key, value in found.items() if key != "TargetGrants"}) if found else None


def _put_lock(s3: Any, bucket: str, p: Properties) -> None:
    wanted = {"ObjectLockEnabled": p.get("objectLockEnabled") or "Enabled"}
    if p.get("rule"):
        wanted["Rule"] = to_api(block(p["rule"]))
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=wanted)


def _read_lock(api: Api, bucket: str) -> Properties | None:
    found = api("s3").get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    # A bucket made with Object Lock always has a configuration; this resource is the rule in it.
    return {"objectLockEnabled": found["ObjectLockEnabled"], "rule": from_api(found["Rule"])} if found.get("Rule") else None


def _read_policy(api: Api, bucket: str) -> Properties | None:
    return {"policy": api("s3").get_bucket_policy(Bucket=bucket)["Policy"]}


SETTINGS = [
    _setting("BucketVersioning", "versioningConfiguration", _put_versioning, _read_versioning, _suspend_versioning),
    _setting(
        "BucketServerSideEncryptionConfiguration",
        "rules",
        _put_encryption,
        _read_encryption,
        lambda s3, bucket: s3.delete_bucket_encryption(Bucket=bucket),
    ),
    _setting(
        "BucketPublicAccessBlock",
        " ".join(_BLOCKS),
        _put_access_block,
        _read_access_block,
        lambda s3, bucket: s3.delete_public_access_block(Bucket=bucket),
    ),
    _setting(
        "BucketOwnershipControls",
        "rule",
        lambda s3, bucket, p: s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [to_api(block(p["rule"]))]}),
        _read_ownership,
        lambda s3, bucket: s3.delete_bucket_ownership_controls(Bucket=bucket),
    ),
    _setting(
        "BucketPolicy",
        "policy",
        lambda s3, bucket, p: s3.put_bucket_policy(Bucket=bucket, Policy=p["policy"]),
        _read_policy,
        lambda s3, bucket: s3.delete_bucket_policy(Bucket=bucket),
        meaning=Meaning(json=words("policy")),
    ),
    _setting(
        "BucketLifecycleConfiguration",
        "rules",
        _put_lifecycle,
        _read_lifecycle,
        lambda s3, bucket: s3.delete_bucket_lifecycle(Bucket=bucket),
        meaning=Meaning(unordered=words("rules")),
    ),
    _setting(
        "BucketLogging",
        "targetBucket targetPrefix targetObjectKeyFormat",
        _put_logging,
        _read_logging,
        lambda s3, bucket: s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={}),
    ),
    _setting(
        "BucketObjectLockConfiguration",
        "objectLockEnabled rule",
        _put_lock,
        _read_lock,
        lambda s3, bucket: s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}),
        defaults={"objectLockEnabled": "Enabled"},
    ),
]
