"""Image registry, audit trail and log groups."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api, is_gone
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, as_list, block, from_list, given, tag_changes, words
from infra.sandbox.aws.shapes import from_api, to_api


def _create_repository(api: Api, p: Properties, tags: Tags) -> str:
    encryption = block(p.get("encryptionConfigurations"))
    asked = given(
        imageTagMutability=p.get("imageTagMutability"),
        imageScanningConfiguration=block(p.get("imageScanningConfiguration")) or None,
        encryptionConfiguration=given(encryptionType=encryption.get("encryptionType") or "AES256", kmsKey=encryption.get("kmsKey")) if encryption else None,
    )
    api("ecr").create_repository(repositoryName=p["name"], tags=as_list(p.get("tagsAll") or {}), **asked)
    return p["name"]


def _read_repository(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("ecr").describe_repositories(repositoryNames=[identity])["repositories"][0]
    return {
        "name": identity,
        "arn": one["repositoryArn"],
        "registryId": one["registryId"],
        "repositoryUrl": one["repositoryUri"],
        "imageTagMutability": one["imageTagMutability"],
        "imageScanningConfiguration": one.get("imageScanningConfiguration"),
        "encryptionConfigurations": [one["encryptionConfiguration"]] if one.get("encryptionConfiguration") else None,
        "tagsAll": from_list(api("ecr").list_tags_for_resource(resourceArn=one["repositoryArn"])["tags"]),
    }


def _update_repository(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    ecr = api("ecr")
    if "imageTagMutability" in changed:
        ecr.put_image_tag_mutability(repositoryName=identity, imageTagMutability=new.get("imageTagMutability") or "MUTABLE")
    if "imageScanningConfiguration" in changed:
        wanted = {"scanOnPush": bool(block(new.get("imageScanningConfiguration")).get("scanOnPush"))}
        ecr.put_image_scanning_configuration(repositoryName=identity, imageScanningConfiguration=wanted)
    put, gone = tag_changes(old, new)
    if put:
        ecr.tag_resource(resourceArn=old["arn"], tags=as_list(put))
    if gone:
        ecr.untag_resource(resourceArn=old["arn"], tagKeys=gone)


def _create_expiry(api: Api, p: Properties, tags: Tags) -> str:
    api("ecr").put_lifecycle_policy(repositoryName=p["repository"], lifecyclePolicyText=p["policy"])
    return p["repository"]


def _read_expiry(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api("ecr").get_lifecycle_policy(repositoryName=identity)
    return {"repository": identity, "policy": found["lifecyclePolicyText"], "registryId": found["registryId"]}


_TRAIL = {
    "s3BucketName": "S3BucketName",
    "s3KeyPrefix": "S3KeyPrefix",
    "snsTopicName": "SnsTopicName",
    "includeGlobalServiceEvents": "IncludeGlobalServiceEvents",
    "isMultiRegionTrail": "IsMultiRegionTrail",
    "enableLogFileValidation": "EnableLogFileValidation",
    "cloudWatchLogsGroupArn": "CloudWatchLogsLogGroupArn",
    "cloudWatchLogsRoleArn": "CloudWatchLogsRoleArn",
    "kmsKeyId": "KmsKeyId",
    "isOrganizationTrail": "IsOrganizationTrail",
}
_TRAIL_BACK = {**{name: key for key, name in _TRAIL.items()}, "LogFileValidationEnabled": "enableLogFileValidation"}


_MANY = {"StartsWith": "startsWiths", "EndsWith": "endsWiths", "NotStartsWith": "notStartsWiths", "NotEndsWith": "notEndsWiths"}
"""Conditions of an advanced selector that Pulumi names in the plural."""


def _advanced_to_api(selectors: list[Properties]) -> list[dict[str, Any]]:
    singular = {many: one for one, many in _MANY.items()}
    fields = [[{singular.get(key, key[0].upper() + key[1:]): value for key, value in field.items()} for field in one["fieldSelectors"]] for one in selectors]
    return [{**given(Name=one.get("name")), "FieldSelectors": asked} for one, asked in zip(selectors, fields, strict=True)]


def _advanced_from_api(selectors: list[dict[str, Any]]) -> list[Properties]:
    fields = [[{_MANY.get(key, key[0].lower() + key[1:]): value for key, value in field.items()} for field in one["FieldSelectors"]] for one in selectors]
    return [{**given(name=one.get("Name")), "fieldSelectors": shown} for one, shown in zip(selectors, fields, strict=True)]


def _trail_arguments(p: Properties) -> dict[str, Any]:
    return {name: p[key] for key, name in _TRAIL.items() if p.get(key) is not None}


def _create_trail(api: Api, p: Properties, tags: Tags) -> str:
    return api("cloudtrail").create_trail(Name=p["name"], TagsList=as_list(p.get("tagsAll") or {}), **_trail_arguments(p))["TrailARN"]


def _finish_trail(api: Api, identity: str, p: Properties) -> None:
    trail = api("cloudtrail")
    if p.get("enableLogging", True):
        trail.start_logging(Name=identity)
    else:
        trail.stop_logging(Name=identity)
    if p.get("eventSelectors"):
        trail.put_event_selectors(TrailName=identity, EventSelectors=to_api(p["eventSelectors"]))
    if p.get("advancedEventSelectors"):
        trail.put_event_selectors(TrailName=identity, AdvancedEventSelectors=_advanced_to_api(p["advancedEventSelectors"]))
    if p.get("insightSelectors"):
        trail.put_insight_selectors(TrailName=identity, InsightSelectors=to_api(p["insightSelectors"]))


def _read_trail(api: Api, identity: str, known: Properties) -> Properties | None:
    trail = api("cloudtrail")
    one = trail.get_trail(Name=identity)["Trail"]
    selectors = trail.get_event_selectors(TrailName=identity)
    insights = trail.get_insight_selectors(TrailName=identity) if one.get("HasInsightSelectors") else {}
    tags = trail.list_tags(ResourceIdList=[identity])["ResourceTagList"]
    return {
        **{key: one[name] for name, key in _TRAIL_BACK.items() if one.get(name) is not None},
        "name": one["Name"],
        "arn": identity,
        "homeRegion": identity.split(":")[3],
        "snsTopicArn": one.get("SnsTopicARN"),
        "enableLogging": trail.get_trail_status(Name=identity)["IsLogging"],
        # A trail always has a selector; it is shown only where the program lists its own.
        "eventSelectors": from_api(selectors.get("EventSelectors")) if known.get("eventSelectors") is not None else None,
        "advancedEventSelectors": _advanced_from_api(selectors.get("AdvancedEventSelectors") or []),
        "insightSelectors": from_api(insights.get("InsightSelectors") or None),
        "tagsAll": from_list(tags[0]["TagsList"]) if tags else {},
    }


def _update_trail(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    trail = api("cloudtrail")
    if changed & _TRAIL.keys():
        trail.update_trail(Name=identity, **_trail_arguments(new))
    _finish_trail(api, identity, new)
    put, gone = tag_changes(old, new)
    if put:
        trail.add_tags(ResourceId=identity, TagsList=as_list(put))
    if gone:
        trail.remove_tags(ResourceId=identity, TagsList=[{"Key": key} for key in gone])


def _find_trail(api: Api, p: Properties, mark: Tags) -> str | None:
    found = api.absent(api("cloudtrail").get_trail, Name=p["name"])
    return found["Trail"]["TrailARN"] if found else None


def _create_log_group(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(kmsKeyId=p.get("kmsKeyId"), logGroupClass=p.get("logGroupClass"), tags=p.get("tagsAll") or None)
    api("logs").create_log_group(logGroupName=p["name"], **asked)
    return p["name"]


def _finish_log_group(api: Api, identity: str, p: Properties) -> None:
    if p.get("retentionInDays"):
        api("logs").put_retention_policy(logGroupName=identity, retentionInDays=p["retentionInDays"])


def _read_log_group(api: Api, identity: str, known: Properties) -> Properties | None:
    pages = api("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=identity)
    one = next((group for page in pages for group in page["logGroups"] if group["logGroupName"] == identity), None)
    if one is None:
        return None
    arn = one["arn"].removesuffix(":*")
    return {
        "name": identity,
        "arn": arn,
        "retentionInDays": one.get("retentionInDays"),
        "kmsKeyId": one.get("kmsKeyId"),
        "logGroupClass": one.get("logGroupClass"),
        "tagsAll": api("logs").list_tags_for_resource(resourceArn=arn)["tags"],
    }


def _update_log_group(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    logs = api("logs")
    if "retentionInDays" in changed:
        if new.get("retentionInDays"):
            _finish_log_group(api, identity, new)
        else:
            logs.delete_retention_policy(logGroupName=identity)
    if "kmsKeyId" in changed:
        if new.get("kmsKeyId"):
            logs.associate_kms_key(logGroupName=identity, kmsKeyId=new["kmsKeyId"])
        else:
            logs.disassociate_kms_key(logGroupName=identity)
    put, gone = tag_changes(old, new)
    if put:
        logs.tag_resource(resourceArn=old["arn"], tags=put)
    if gone:
        logs.untag_resource(resourceArn=old["arn"], tagKeys=gone)


def _find_repository(api: Api, p: Properties, mark: Tags) -> str | None:
    return p["name"] if api.absent(api("ecr").describe_repositories, repositoryNames=[p["name"]]) else None


def _find_expiry(api: Api, p: Properties, mark: Tags) -> str | None:
    try:
        return p["repository"] if _read_expiry(api, p["repository"], p) else None
    except Exception as problem:
        if is_gone(problem):
            return None
        raise


ROWS = [
    Row(
        type="aws:ecr/repository:Repository",
        inputs=words("encryptionConfigurations forceDelete imageScanningConfiguration imageTagMutability name"),
        create=_create_repository,
        read=_read_repository,
        update=_update_repository,
        delete=lambda api, identity, held: api("ecr").delete_repository(repositoryName=identity, force=bool(held.get("forceDelete"))),
        find=_find_repository,
        computed=words("arn registryId repositoryUrl"),
        chosen=words("encryptionConfigurations"),
        replaces=words("encryptionConfigurations name"),
        identity=("name",),
        defaults={"imageTagMutability": "MUTABLE"},
        unseen=words("forceDelete"),
        autoname="name",
        tags=True,
        meaning=Meaning(decided=words("encryptionConfigurations.*.kmsKey")),
    ),
    Row(
        type="aws:ecr/lifecyclePolicy:LifecyclePolicy",
        inputs=words("policy repository"),
        create=_create_expiry,
        read=_read_expiry,
        update=lambda api, identity, old, new, changed: _create_expiry(api, new, {}),
        delete=lambda api, identity, held: api("ecr").delete_lifecycle_policy(repositoryName=identity),
        find=_find_expiry,
        computed=words("registryId"),
        replaces=words("repository"),
        identity=("repository",),
        meaning=Meaning(json=words("policy")),
    ),
    Row(
        type="aws:cloudtrail/trail:Trail",
        inputs=frozenset(_TRAIL) | words("advancedEventSelectors enableLogging eventSelectors insightSelectors name"),
        create=_create_trail,
        finish=_finish_trail,
        read=_read_trail,
        update=_update_trail,
        # By name: the emulator forgets to look for an ARN here.
        delete=lambda api, identity, held: api("cloudtrail").delete_trail(Name=identity.rsplit("/", 1)[1]),
        find=_find_trail,
        computed=words("arn homeRegion snsTopicArn"),
        chosen=words("eventSelectors"),
        replaces=words("name"),
        identity=("name",),
        defaults={"enableLogging": True, "includeGlobalServiceEvents": True},
        autoname="name",
        tags=True,
        meaning=Meaning(
            unordered=words("eventSelectors advancedEventSelectors advancedEventSelectors.*.fieldSelectors insightSelectors"),
            decided=words("eventSelectors.*.*"),
        ),
    ),
    Row(
        type="aws:cloudwatch/logGroup:LogGroup",
        inputs=words("kmsKeyId logGroupClass name retentionInDays skipDestroy"),
        create=_create_log_group,
        finish=_finish_log_group,
        read=_read_log_group,
        update=_update_log_group,
        delete=lambda api, identity, held: None if held.get("skipDestroy") else api("logs").delete_log_group(logGroupName=identity),
        find=lambda api, p, mark: p["name"] if _read_log_group(api, p["name"], p) else None,
        computed=words("arn"),
        chosen=words("logGroupClass"),
        replaces=words("logGroupClass name"),
        identity=("name",),
        unseen=words("skipDestroy"),
        autoname="name",
        tags=True,
    ),
]
