"""What watches an account: GuardDuty's detector with its features, and AWS Config's recorder with what it delivers to."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import MARK, Properties, Row, Tags, given, tag_changes, words
from infra.sandbox.aws.shapes import only


def _detector(api: Api, identity: str) -> dict[str, Any] | None:
    """GuardDuty answers a question about a detector that is not there like any other wrong one, so the list is asked first."""
    guard = api("guardduty")
    return guard.get_detector(DetectorId=identity) if identity in guard.list_detectors()["DetectorIds"] else None


def _create_detector(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(FindingPublishingFrequency=p.get("findingPublishingFrequency"))
    return api("guardduty").create_detector(Enable=p.get("enable", True), Tags=tags, **asked)["DetectorId"]


def _read_detector(api: Api, identity: str, known: Properties) -> Properties | None:
    one = _detector(api, identity)
    if one is None:
        return None
    return {
        "accountId": api.account,
        "arn": api.arn("guardduty", f"detector/{identity}"),
        "enable": one["Status"] == "ENABLED",
        "findingPublishingFrequency": one.get("FindingPublishingFrequency"),
        "tagsAll": one.get("Tags") or {},
    }


def _update_detector(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    guard = api("guardduty")
    if changed & {"enable", "findingPublishingFrequency"}:
        guard.update_detector(
            DetectorId=identity, Enable=new.get("enable", True), FindingPublishingFrequency=new.get("findingPublishingFrequency") or "SIX_HOURS"
        )
    put, gone = tag_changes(old, new)
    if put:
        guard.tag_resource(ResourceArn=old["arn"], Tags=put)
    if gone:
        guard.untag_resource(ResourceArn=old["arn"], TagKeys=gone)


def _delete_detector(api: Api, identity: str, held: Properties) -> None:
    if _detector(api, identity) is not None:
        api("guardduty").delete_detector(DetectorId=identity)


def _find_detector(api: Api, p: Properties, mark: Tags) -> str | None:
    found = [(one, _detector(api, one) or {}) for one in api("guardduty").list_detectors()["DetectorIds"]]
    return next((identity for identity, one in found if (one.get("Tags") or {}).get(MARK) == mark[MARK]), None)


def _put_feature(api: Api, p: Properties, status: str) -> str:
    more = [{"Name": one["name"], "Status": one["status"]} for one in p.get("additionalConfigurations") or []]
    feature = {"Name": p["name"], "Status": status, **({"AdditionalConfiguration": more} if more else {})}
    api("guardduty").update_detector(DetectorId=p["detectorId"], Features=[feature])
    return f"{p['detectorId']}/{p['name']}"


def _read_feature(api: Api, identity: str, known: Properties) -> Properties | None:
    detector, _, name = identity.partition("/")
    held = _detector(api, detector) or {}
    one = next((feature for feature in held.get("Features") or [] if feature["Name"] == name), None)
    # Every feature is there and disabled until somebody enables it: a disabled one that was not asked for so is as good as none.
    if one is None or (one["Status"] == "DISABLED" and known.get("status") != "DISABLED"):
        return None
    more = [{"name": each["Name"], "status": each["Status"]} for each in one.get("AdditionalConfiguration") or []]
    return {"detectorId": detector, "name": name, "status": one["Status"], "additionalConfigurations": more or None}


def _find_feature(api: Api, p: Properties, mark: Tags) -> str | None:
    identity = f"{p['detectorId']}/{p['name']}"
    return identity if _read_feature(api, identity, p) else None


def _delete_feature(api: Api, identity: str, held: Properties) -> None:
    if _detector(api, held["detectorId"]) is not None:
        _put_feature(api, only(held, "detectorId", "name"), "DISABLED")


_GROUP = {"allSupported": "allSupported", "includeGlobalResourceTypes": "includeGlobalResourceTypes", "resourceTypes": "resourceTypes"}


def _put_recorder(api: Api, p: Properties, tags: Tags) -> str:
    group = only(p.get("recordingGroup") or {"allSupported": True}, *_GROUP)
    api("config").put_configuration_recorder(ConfigurationRecorder={"name": p["name"], "roleARN": p["roleArn"], "recordingGroup": group})
    return p["name"]


def _read_recorder(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("config").describe_configuration_recorders(ConfigurationRecorderNames=[identity])["ConfigurationRecorders"][0]
    return {"name": identity, "roleArn": one["roleARN"], "recordingGroup": only(one["recordingGroup"], *_GROUP)}


def _switch(api: Api, name: str, on: bool) -> str:
    config = api("config")
    (config.start_configuration_recorder if on else config.stop_configuration_recorder)(ConfigurationRecorderName=name)
    return name


def _read_switch(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("config").describe_configuration_recorder_status(ConfigurationRecorderNames=[identity])["ConfigurationRecordersStatus"][0]
    return {"name": identity, "isEnabled": one["recording"]}


_CHANNEL = {"name": "name", "s3BucketName": "s3BucketName", "s3KeyPrefix": "s3KeyPrefix", "s3KmsKeyArn": "s3KmsKeyArn", "snsTopicArn": "snsTopicARN"}


def _put_channel(api: Api, p: Properties, tags: Tags) -> str:
    every = (p.get("snapshotDeliveryProperties") or {}).get("deliveryFrequency")
    wanted = {name: p[key] for key, name in _CHANNEL.items() if p.get(key)}
    api("config").put_delivery_channel(DeliveryChannel={**wanted, **({"configSnapshotDeliveryProperties": {"deliveryFrequency": every}} if every else {})})
    return p["name"]


def _read_channel(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("config").describe_delivery_channels(DeliveryChannelNames=[identity])["DeliveryChannels"][0]
    every = (one.get("configSnapshotDeliveryProperties") or {}).get("deliveryFrequency")
    return {**{key: one.get(name) for key, name in _CHANNEL.items()}, "snapshotDeliveryProperties": {"deliveryFrequency": every} if every else None}


def _put_retention(api: Api, p: Properties, tags: Tags) -> str:
    return api("config").put_retention_configuration(RetentionPeriodInDays=p["retentionPeriodInDays"])["RetentionConfiguration"]["Name"]


def _read_retention(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("config").describe_retention_configurations(RetentionConfigurationNames=[identity])["RetentionConfigurations"][0]
    return {"name": identity, "retentionPeriodInDays": one["RetentionPeriodInDays"]}


def _find_retention(api: Api, p: Properties, mark: Tags) -> str | None:
    found = api("config").describe_retention_configurations()["RetentionConfigurations"]
    return found[0]["Name"] if found else None


ROWS = [
    Row(
        type="aws:guardduty/detector:Detector",
        inputs=words("enable findingPublishingFrequency"),
        create=_create_detector,
        read=_read_detector,
        update=_update_detector,
        delete=_delete_detector,
        find=_find_detector,
        computed=words("accountId arn"),
        chosen=words("findingPublishingFrequency"),
        defaults={"enable": True},
        tags=True,
    ),
    Row(
        type="aws:guardduty/detectorFeature:DetectorFeature",
        inputs=words("additionalConfigurations detectorId name status"),
        create=lambda api, p, tags: _put_feature(api, p, p["status"]),
        read=_read_feature,
        update=lambda api, identity, old, new, changed: _put_feature(api, new, new["status"]),
        delete=_delete_feature,
        find=_find_feature,
        replaces=words("detectorId name"),
        identity=("detectorId", "name"),
        meaning=Meaning(unordered=words("additionalConfigurations")),
    ),
    Row(
        type="aws:cfg/recorder:Recorder",
        inputs=words("name recordingGroup roleArn"),
        create=_put_recorder,
        read=_read_recorder,
        update=lambda api, identity, old, new, changed: _put_recorder(api, new, {}),
        delete=lambda api, identity, held: api("config").delete_configuration_recorder(ConfigurationRecorderName=identity),
        find=lambda api, p, mark: p["name"] if api.absent(_read_recorder, api=api, identity=p["name"], known=p) else None,
        chosen=words("recordingGroup"),
        replaces=words("name"),
        identity=("name",),
        defaults={"name": "default"},
    ),
    Row(
        type="aws:cfg/deliveryChannel:DeliveryChannel",
        inputs=frozenset(_CHANNEL) | words("snapshotDeliveryProperties"),
        create=_put_channel,
        read=_read_channel,
        update=lambda api, identity, old, new, changed: _put_channel(api, new, {}),
        delete=lambda api, identity, held: api("config").delete_delivery_channel(DeliveryChannelName=identity),
        find=lambda api, p, mark: p["name"] if api.absent(_read_channel, api=api, identity=p["name"], known=p) else None,
        replaces=words("name"),
        identity=("name",),
        defaults={"name": "default"},
    ),
    Row(
        type="aws:cfg/recorderStatus:RecorderStatus",
        inputs=words("isEnabled name"),
        create=lambda api, p, tags: _switch(api, p["name"], p["isEnabled"]),
        read=_read_switch,
        update=lambda api, identity, old, new, changed: _switch(api, identity, new["isEnabled"]),
        # The switch stays where the recorder is; without this resource it is off.
        delete=lambda api, identity, held: _switch(api, identity, False),
        find=lambda api, p, mark: p["name"] if (api.absent(_read_switch, api=api, identity=p["name"], known=p) or {}).get("isEnabled") else None,
        replaces=words("name"),
        identity=("name",),
    ),
    Row(
        type="aws:cfg/retentionConfiguration:RetentionConfiguration",
        inputs=words("retentionPeriodInDays"),
        create=_put_retention,
        read=_read_retention,
        update=lambda api, identity, old, new, changed: _put_retention(api, new, {}),
        delete=lambda api, identity, held: api("config").delete_retention_configuration(RetentionConfigurationName=identity),
        find=_find_retention,
        computed=words("name"),
    ),
]
