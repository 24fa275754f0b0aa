"""Backup: vaults, their locks, plans and what plans take in."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import MARK, Properties, Row, Tags, block, given, tag_changes, words

_LIFECYCLE = {"deleteAfter": "DeleteAfterDays", "coldStorageAfter": "MoveToColdStorageAfterDays"}
_RULE = {
    "ruleName": "RuleName",
    "targetVaultName": "TargetBackupVaultName",
    "schedule": "ScheduleExpression",
    "scheduleExpressionTimezone": "ScheduleExpressionTimezone",
    "startWindow": "StartWindowMinutes",
    "completionWindow": "CompletionWindowMinutes",
    "enableContinuousBackup": "EnableContinuousBackup",
    "recoveryPointTags": "RecoveryPointTags",
}
_CHOICE = {"type": "ConditionType", "key": "ConditionKey", "value": "ConditionValue"}
_LOCK = {"minRetentionDays": "MinRetentionDays", "maxRetentionDays": "MaxRetentionDays", "changeableForDays": "ChangeableForDays"}


def _to_api(names: dict[str, str], value: Properties) -> dict[str, Any]:
    return {api: value[name] for name, api in names.items() if value.get(name) is not None}


def _from_api(names: dict[str, str], value: dict[str, Any]) -> Properties:
    return {name: value[api] for name, api in names.items() if value.get(api) is not None}


def _retag(api: Api, old: Properties, new: Properties) -> None:
    put, gone = tag_changes(old, new)
    if put:
        api("backup").tag_resource(ResourceArn=old["arn"], Tags=put)
    if gone:
        api("backup").untag_resource(ResourceArn=old["arn"], TagKeyList=gone)


def _tags(api: Api, arn: str) -> Tags:
    return api("backup").list_tags(ResourceArn=arn)["Tags"]


def _create_vault(api: Api, p: Properties, tags: Tags) -> str:
    api("backup").create_backup_vault(BackupVaultName=p["name"], BackupVaultTags=p.get("tagsAll") or {}, **given(EncryptionKeyArn=p.get("kmsKeyArn")))
    return p["name"]


def _read_vault(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("backup").describe_backup_vault(BackupVaultName=identity)
    # The number of recovery points is left out: it grows by itself, which would show as drift.
    return {"name": identity, "arn": one["BackupVaultArn"], "kmsKeyArn": one.get("EncryptionKeyArn"), "tagsAll": _tags(api, one["BackupVaultArn"])}


def _find_vault(api: Api, p: Properties, mark: Tags) -> str | None:
    return p["name"] if api.absent(api("backup").describe_backup_vault, BackupVaultName=p["name"]) else None


def _lock(api: Api, p: Properties, tags: Tags) -> str:
    api("backup").put_backup_vault_lock_configuration(BackupVaultName=p["backupVaultName"], **_to_api(_LOCK, p))
    return p["backupVaultName"]


def _read_lock(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("backup").describe_backup_vault(BackupVaultName=identity)
    return {"backupVaultName": identity, "backupVaultArn": one["BackupVaultArn"], **_from_api(_LOCK, one)} if one.get("Locked") else None


def _find_lock(api: Api, p: Properties, mark: Tags) -> str | None:
    return p["backupVaultName"] if _read_lock(api, p["backupVaultName"], p) else None


def _document(p: Properties) -> dict[str, Any]:
    return {"BackupPlanName": p["name"], "Rules": [_rule_to_api(rule) for rule in p["rules"]]}


def _rule_to_api(rule: Properties) -> dict[str, Any]:
    lifecycle = _to_api(_LIFECYCLE, block(rule.get("lifecycle")))
    copies = [
        {
            "DestinationBackupVaultArn": copy["destinationVaultArn"],
            **({"Lifecycle": _to_api(_LIFECYCLE, block(copy["lifecycle"]))} if copy.get("lifecycle") else {}),
        }
        for copy in rule.get("copyActions") or []
    ]
    return {**_to_api(_RULE, rule), **({"Lifecycle": lifecycle} if lifecycle else {}), **({"CopyActions": copies} if copies else {})}


def _rule_from_api(rule: dict[str, Any]) -> Properties:
    copies = [
        {"destinationVaultArn": copy["DestinationBackupVaultArn"], **({"lifecycle": _from_api(_LIFECYCLE, copy["Lifecycle"])} if copy.get("Lifecycle") else {})}
        for copy in rule.get("CopyActions") or []
    ]
    lifecycle = _from_api(_LIFECYCLE, rule.get("Lifecycle") or {})
    return {**_from_api(_RULE, rule), **({"lifecycle": lifecycle} if lifecycle else {}), **({"copyActions": copies} if copies else {})}


def _create_plan(api: Api, p: Properties, tags: Tags) -> str:
    return api("backup").create_backup_plan(BackupPlan=_document(p), BackupPlanTags=tags)["BackupPlanId"]


def _read_plan(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("backup").get_backup_plan(BackupPlanId=identity)
    return {
        "name": one["BackupPlan"]["BackupPlanName"],
        "arn": one["BackupPlanArn"],
        "version": one["VersionId"],
        "rules": [_rule_from_api(rule) for rule in one["BackupPlan"]["Rules"]],
        "tagsAll": _tags(api, one["BackupPlanArn"]),
    }


def _update_plan(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if "rules" in changed:
        api("backup").update_backup_plan(BackupPlanId=identity, BackupPlan=_document(new))
    _retag(api, old, new)


def _find_plan(api: Api, p: Properties, mark: Tags) -> str | None:
    plans = api("backup").list_backup_plans()["BackupPlansList"]
    return next((one["BackupPlanId"] for one in plans if _tags(api, one["BackupPlanArn"]).get(MARK) == mark[MARK]), None)


def _create_selection(api: Api, p: Properties, tags: Tags) -> str:
    chosen = [_to_api(_CHOICE, tag) for tag in p.get("selectionTags") or []]
    asked = given(Resources=p.get("resources"), NotResources=p.get("notResources"), ListOfTags=chosen or None)
    selection = {"SelectionName": p["name"], "IamRoleArn": p["iamRoleArn"], **asked}
    return api("backup").create_backup_selection(BackupPlanId=p["planId"], BackupSelection=selection)["SelectionId"]


def _read_selection(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("backup").get_backup_selection(BackupPlanId=known["planId"], SelectionId=identity)["BackupSelection"]
    return {
        "name": one["SelectionName"],
        "planId": known["planId"],
        "iamRoleArn": one["IamRoleArn"],
        "resources": one.get("Resources"),
        "notResources": one.get("NotResources"),
        "selectionTags": [_from_api(_CHOICE, tag) for tag in one.get("ListOfTags") or []] or None,
    }


def _find_selection(api: Api, p: Properties, mark: Tags) -> str | None:
    found = api("backup").list_backup_selections(BackupPlanId=p["planId"])["BackupSelectionsList"]
    return next((one["SelectionId"] for one in found if one["SelectionName"] == p["name"]), None)


ROWS = [
    Row(
        type="aws:backup/vault:Vault",
        inputs=words("forceDestroy kmsKeyArn name"),
        create=_create_vault,
        read=_read_vault,
        update=lambda api, identity, old, new, changed: _retag(api, old, new),
        delete=lambda api, identity, held: api("backup").delete_backup_vault(BackupVaultName=identity),
        find=_find_vault,
        computed=words("arn"),
        chosen=words("kmsKeyArn"),
        replaces=words("kmsKeyArn name"),
        identity=("name",),
        unseen=words("forceDestroy"),
        autoname="name",
        tags=True,
    ),
    Row(
        type="aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        inputs=words("backupVaultName changeableForDays maxRetentionDays minRetentionDays"),
        create=_lock,
        read=_read_lock,
        delete=lambda api, identity, held: api("backup").delete_backup_vault_lock_configuration(BackupVaultName=identity),
        find=_find_lock,
        computed=words("backupVaultArn"),
        replaces=words("backupVaultName changeableForDays maxRetentionDays minRetentionDays"),
        identity=("backupVaultName",),
        unseen=words("changeableForDays"),
    ),
    Row(
        type="aws:backup/plan:Plan",
        inputs=words("name rules"),
        create=_create_plan,
        read=_read_plan,
        update=_update_plan,
        delete=lambda api, identity, held: api("backup").delete_backup_plan(BackupPlanId=identity),
        find=_find_plan,
        computed=words("arn version"),
        replaces=words("name"),
        identity=("name",),
        volatile=words("version"),
        autoname="name",
        tags=True,
        meaning=Meaning(
            unordered=words("rules rules.*.copyActions"),
            decided=words("rules.*.startWindow rules.*.completionWindow rules.*.scheduleExpressionTimezone"),
        ),
    ),
    Row(
        type="aws:backup/selection:Selection",
        inputs=words("iamRoleArn name notResources planId resources selectionTags"),
        create=_create_selection,
        read=_read_selection,
        delete=lambda api, identity, held: api("backup").delete_backup_selection(BackupPlanId=held["planId"], SelectionId=identity),
        find=_find_selection,
        replaces=words("iamRoleArn name notResources planId resources selectionTags"),
        autoname="name",
        meaning=Meaning(unordered=words("notResources resources selectionTags")),
    ),
]
