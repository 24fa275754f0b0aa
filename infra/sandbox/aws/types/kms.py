"""Keys and their aliases."""

from __future__ import annotations

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, given, tag_changes, words

_YEAR = 365


def _tag_list(tags: Tags) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in sorted(tags.items())]


def _tags(api: Api, identity: str) -> Tags:
    return {tag["TagKey"]: tag["TagValue"] for tag in api("kms").list_resource_tags(KeyId=identity)["Tags"]}


def _create(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(
        Policy=p.get("policy"),
        Description=p.get("description"),
        KeyUsage=p.get("keyUsage"),
        KeySpec=p.get("customerMasterKeySpec"),
        MultiRegion=p.get("multiRegion"),
    )
    return api("kms").create_key(Tags=_tag_list(tags), **asked)["KeyMetadata"]["KeyId"]


def _finish(api: Api, identity: str, p: Properties) -> None:
    if p.get("enableKeyRotation"):
        api("kms").enable_key_rotation(KeyId=identity, **given(RotationPeriodInDays=p.get("rotationPeriodInDays")))
    if p.get("isEnabled") is False:
        api("kms").disable_key(KeyId=identity)


def _read(api: Api, identity: str, known: Properties) -> Properties | None:
    kms = api("kms")
    key = kms.describe_key(KeyId=identity)["KeyMetadata"]
    if key["KeyState"] == "PendingDeletion":
        return None
    rotation = kms.get_key_rotation_status(KeyId=identity)
    return {
        "arn": key["Arn"],
        "keyId": key["KeyId"],
        "description": key.get("Description"),
        "keyUsage": key.get("KeyUsage"),
        "customerMasterKeySpec": key.get("KeySpec"),
        "multiRegion": key.get("MultiRegion"),
        "isEnabled": key["Enabled"],
        "enableKeyRotation": rotation["KeyRotationEnabled"],
        # The period is only told while rotation is on; without it the number has no effect.
        "rotationPeriodInDays": (rotation.get("RotationPeriodInDays") or _YEAR) if rotation["KeyRotationEnabled"] else known.get("rotationPeriodInDays"),
        "policy": kms.get_key_policy(KeyId=identity, PolicyName="default")["Policy"],
        "tagsAll": _tags(api, identity),
    }


def _update(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    kms = api("kms")
    if "isEnabled" in changed and new.get("isEnabled") is not False:
        kms.enable_key(KeyId=identity)
    if "description" in changed:
        kms.update_key_description(KeyId=identity, Description=new.get("description") or "")
    if "policy" in changed:
        kms.put_key_policy(KeyId=identity, PolicyName="default", Policy=new["policy"])
    if changed & {"enableKeyRotation", "rotationPeriodInDays"} and not new.get("enableKeyRotation"):
        kms.disable_key_rotation(KeyId=identity)
    put, gone = tag_changes(old, new)
    if put:
        kms.tag_resource(KeyId=identity, Tags=_tag_list(put))
    if gone:
        kms.untag_resource(KeyId=identity, TagKeys=gone)
    if changed & {"enableKeyRotation", "rotationPeriodInDays", "isEnabled"}:
        _finish(api, identity, new)


def _delete(api: Api, identity: str, held: Properties) -> None:
    if api("kms").describe_key(KeyId=identity)["KeyMetadata"]["KeyState"] != "PendingDeletion":
        api("kms").schedule_key_deletion(KeyId=identity, PendingWindowInDays=held.get("deletionWindowInDays") or 30)


def _find(api: Api, p: Properties, mark: Tags) -> str | None:
    for page in api("kms").get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            if mark.items() <= _tags(api, key["KeyId"]).items() and _read(api, key["KeyId"], {}):
                return key["KeyId"]
    return None


def _read_alias(api: Api, identity: str, known: Properties) -> Properties | None:
    pages = api("kms").get_paginator("list_aliases").paginate()
    alias = next((alias for page in pages for alias in page["Aliases"] if alias["AliasName"] == identity), None)
    if alias is None:
        return None
    key = alias.get("TargetKeyId", "")
    wanted = known.get("targetKeyId", "")
    arn = api.arn("kms", f"key/{key}")
    return {"name": identity, "arn": alias["AliasArn"], "targetKeyId": wanted if wanted in (key, arn) else key, "targetKeyArn": arn}


def _create_alias(api: Api, p: Properties, tags: Tags) -> str:
    api("kms").create_alias(AliasName=p["name"], TargetKeyId=p["targetKeyId"])
    return p["name"]


ROWS = [
    Row(
        type="aws:kms/key:Key",
        inputs=words("customerMasterKeySpec description enableKeyRotation isEnabled keyUsage multiRegion policy rotationPeriodInDays")
        | words("bypassPolicyLockoutSafetyCheck deletionWindowInDays"),
        create=_create,
        finish=_finish,
        read=_read,
        update=_update,
        delete=_delete,
        find=_find,
        computed=words("arn keyId"),
        chosen=words("customerMasterKeySpec description keyUsage multiRegion policy rotationPeriodInDays"),
        replaces=words("customerMasterKeySpec keyUsage multiRegion"),
        defaults={"isEnabled": True},
        unseen=words("bypassPolicyLockoutSafetyCheck deletionWindowInDays"),
        tags=True,
        meaning=Meaning(json=words("policy")),
    ),
    Row(
        type="aws:kms/alias:Alias",
        inputs=words("name targetKeyId"),
        create=_create_alias,
        read=_read_alias,
        update=lambda api, identity, old, new, changed: api("kms").update_alias(AliasName=identity, TargetKeyId=new["targetKeyId"]),
        delete=lambda api, identity, held: api("kms").delete_alias(AliasName=identity),
        find=lambda api, p, mark: p["name"] if _read_alias(api, p["name"], p) else None,
        computed=words("arn targetKeyArn"),
        replaces=words("name"),
        identity=("name",),
    ),
]
