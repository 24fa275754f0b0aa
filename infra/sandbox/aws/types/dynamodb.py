"""DynamoDB tables that are paid by request and have no index."""

from __future__ import annotations

from typing import Any

from falaj.errors import Fault
from infra.sandbox.aws.api import Api
from infra.sandbox.aws.row import Properties, Row, Tags, as_list, block, from_list, given, tag_changes, words


def _recovery(p: Properties) -> dict[str, Any]:
    wanted = block(p.get("pointInTimeRecovery"))
    return {"PointInTimeRecoveryEnabled": bool(wanted.get("enabled")), **given(RecoveryPeriodInDays=wanted.get("recoveryPeriodInDays"))}


def _encryption(p: Properties) -> dict[str, Any]:
    wanted = block(p.get("serverSideEncryption"))
    return {"Enabled": True, "SSEType": "KMS", **given(KMSMasterKeyId=wanted.get("kmsKeyArn"))} if wanted.get("enabled") else {"Enabled": False}


def _create(api: Api, p: Properties, tags: Tags) -> str:
    api("dynamodb").create_table(
        TableName=p["name"],
        BillingMode=p.get("billingMode") or "PROVISIONED",
        KeySchema=[{"AttributeName": p["hashKey"], "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": each["name"], "AttributeType": each["type"]} for each in p["attributes"]],
        SSESpecification=_encryption(p),
        DeletionProtectionEnabled=bool(p.get("deletionProtectionEnabled")),
        Tags=as_list(p.get("tagsAll") or {}),
    )
    return p["name"]


def _finish(api: Api, identity: str, p: Properties) -> None:
    if p.get("pointInTimeRecovery"):
        api("dynamodb").update_continuous_backups(TableName=identity, PointInTimeRecoverySpecification=_recovery(p))


def _read(api: Api, identity: str, known: Properties) -> Properties | None:
    client = api("dynamodb")
    found = api.absent(client.describe_table, TableName=identity)
    if found is None:
        return None
    one, arn = found["Table"], found["Table"]["TableArn"]
    recovery = client.describe_continuous_backups(TableName=identity)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    on, encryption = recovery["PointInTimeRecoveryStatus"] == "ENABLED", one.get("SSEDescription") or {}
    return {
        "name": identity,
        "arn": arn,
        "billingMode": one.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "hashKey": next(key["AttributeName"] for key in one["KeySchema"] if key["KeyType"] == "HASH"),
        "attributes": [{"name": each["AttributeName"], "type": each["AttributeType"]} for each in one["AttributeDefinitions"]],
        "serverSideEncryption": {"enabled": encryption.get("Status") == "ENABLED", **given(kmsKeyArn=encryption.get("KMSMasterKeyArn"))},
        "pointInTimeRecovery": {"enabled": on, **(given(recoveryPeriodInDays=recovery.get("RecoveryPeriodInDays")) if on else {})},
        "deletionProtectionEnabled": bool(one.get("DeletionProtectionEnabled")),
        "tagsAll": from_list(client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn).build_full_result()["Tags"]),
    }


def _update(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    client = api("dynamodb")
    if "pointInTimeRecovery" in changed:
        client.update_continuous_backups(TableName=identity, PointInTimeRecoverySpecification=_recovery(new))
    settings: dict[str, Any] = {}
    if "deletionProtectionEnabled" in changed:
        settings["DeletionProtectionEnabled"] = bool(new.get("deletionProtectionEnabled"))
    if "serverSideEncryption" in changed:
        # The emulator would take the call and change nothing.
        raise Fault("the local AWS API cannot change how a table is encrypted", given=identity, next="falaj down, then falaj up: the table is made anew")
    if "billingMode" in changed:
        settings["BillingMode"] = new["billingMode"]
    if settings:
        client.update_table(TableName=identity, **settings)
    put, gone = tag_changes(old, new)
    if put:
        client.tag_resource(ResourceArn=old["arn"], Tags=as_list(put))
    if gone:
        client.untag_resource(ResourceArn=old["arn"], TagKeys=gone)


def _find(api: Api, p: Properties, mark: Tags) -> str | None:
    return p["name"] if api.absent(api("dynamodb").describe_table, TableName=p["name"]) else None


ROWS = [
    Row(
        type="aws:dynamodb/table:Table",
        inputs=words("attributes billingMode deletionProtectionEnabled hashKey name pointInTimeRecovery serverSideEncryption"),
        create=_create,
        finish=_finish,
        read=_read,
        update=_update,
        delete=lambda api, identity, held: api("dynamodb").delete_table(TableName=identity),
        find=_find,
        computed=words("arn"),
        replaces=words("attributes hashKey name"),
        identity=("name",),
        defaults={"billingMode": "PROVISIONED", "deletionProtectionEnabled": False},
        autoname="name",
        tags=True,
    ),
]
