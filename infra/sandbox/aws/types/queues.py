"""Queues, and the rules that put events into them."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, as_list, from_list, given, tag_changes, words

_NUMBERS = {
    "delaySeconds": "DelaySeconds",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}


def _attributes(p: Properties) -> dict[str, str]:
    found = {theirs: str(p[ours]) for ours, theirs in _NUMBERS.items() if p.get(ours) is not None}
    return {**found, **({"SqsManagedSseEnabled": str(bool(p["sqsManagedSseEnabled"])).lower()} if p.get("sqsManagedSseEnabled") is not None else {})}


def _create_queue(api: Api, p: Properties, tags: Tags) -> str:
    return api("sqs").create_queue(QueueName=p["name"], Attributes=_attributes(p), tags=tags)["QueueUrl"]


def _read_queue(api: Api, identity: str, known: Properties) -> Properties | None:
    held = api("sqs").get_queue_attributes(QueueUrl=identity, AttributeNames=["All"])["Attributes"]
    return {
        "name": identity.rsplit("/", 1)[1],
        "url": identity,
        "arn": held["QueueArn"],
        "sqsManagedSseEnabled": held.get("SqsManagedSseEnabled") == "true",
        **{ours: int(held[theirs]) for ours, theirs in _NUMBERS.items() if theirs in held},
        "tagsAll": api("sqs").list_queue_tags(QueueUrl=identity).get("Tags") or {},
    }


def _update_queue(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    sqs = api("sqs")
    if changed & {*_NUMBERS, "sqsManagedSseEnabled"}:
        sqs.set_queue_attributes(QueueUrl=identity, Attributes=_attributes(new))
    put, gone = tag_changes(old, new)
    if put:
        sqs.tag_queue(QueueUrl=identity, Tags=put)
    if gone:
        sqs.untag_queue(QueueUrl=identity, TagKeys=gone)


def _put_policy(api: Api, p: Properties, tags: Tags) -> str:
    api("sqs").set_queue_attributes(QueueUrl=p["queueUrl"], Attributes={"Policy": p["policy"]})
    return p["queueUrl"]


def _read_policy(api: Api, identity: str, known: Properties) -> Properties | None:
    policy = api("sqs").get_queue_attributes(QueueUrl=identity, AttributeNames=["All"])["Attributes"].get("Policy")
    return {"queueUrl": identity, "policy": policy} if policy else None


def _queue_named(api: Api, p: Properties, mark: Tags) -> str | None:
    found = api.absent(api("sqs").get_queue_url, QueueName=p["name"])
    return found["QueueUrl"] if found else None


def _put_rule(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(Description=p.get("description"), EventPattern=p.get("eventPattern"), ScheduleExpression=p.get("scheduleExpression"))
    api("events").put_rule(Name=p["name"], State=p.get("state") or "ENABLED", **asked, **({"Tags": as_list(tags)} if tags else {}))
    return p["name"]


def _read_rule(api: Api, identity: str, known: Properties) -> Properties | None:
    rule: dict[str, Any] = api("events").describe_rule(Name=identity)
    return {
        "name": identity,
        "arn": rule["Arn"],
        "description": rule.get("Description"),
        "eventPattern": rule.get("EventPattern"),
        "scheduleExpression": rule.get("ScheduleExpression"),
        "state": rule.get("State"),
        "tagsAll": from_list(api("events").list_tags_for_resource(ResourceARN=rule["Arn"]).get("Tags")),
    }


def _update_rule(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    _put_rule(api, new, {})
    put, gone = tag_changes(old, new)
    if put:
        api("events").tag_resource(ResourceARN=old["arn"], Tags=as_list(put))
    if gone:
        api("events").untag_resource(ResourceARN=old["arn"], TagKeys=gone)


def _put_target(api: Api, p: Properties, tags: Tags) -> str:
    api("events").put_targets(Rule=p["rule"], Targets=[{"Id": p["targetId"], "Arn": p["arn"]}])
    return f"{p['rule']}-{p['targetId']}"


def _read_target(api: Api, identity: str, known: Properties) -> Properties | None:
    rule, target = known["rule"], known["targetId"]
    found = api.absent(api("events").list_targets_by_rule, Rule=rule)
    one = next((each for each in (found or {}).get("Targets", []) if each["Id"] == target), None)
    return {"rule": rule, "targetId": target, "arn": one["Arn"]} if one else None


ROWS = [
    Row(
        type="aws:sqs/queue:Queue",
        inputs=words("name sqsManagedSseEnabled") | frozenset(_NUMBERS),
        create=_create_queue,
        read=_read_queue,
        update=_update_queue,
        delete=lambda api, identity, held: api("sqs").delete_queue(QueueUrl=identity),
        find=_queue_named,
        computed=words("arn url"),
        chosen=words("sqsManagedSseEnabled") | frozenset(_NUMBERS),
        replaces=words("name"),
        identity=("name",),
        autoname="name",
        tags=True,
    ),
    Row(
        type="aws:sqs/queuePolicy:QueuePolicy",
        inputs=words("policy queueUrl"),
        create=_put_policy,
        read=_read_policy,
        update=lambda api, identity, old, new, changed: _put_policy(api, new, {}),
        delete=lambda api, identity, held: api("sqs").set_queue_attributes(QueueUrl=identity, Attributes={"Policy": ""}),
        find=lambda api, p, mark: p["queueUrl"] if api.absent(_read_policy, api=api, identity=p["queueUrl"], known=p) else None,
        replaces=words("queueUrl"),
        identity=("queueUrl",),
        meaning=Meaning(json=words("policy")),
    ),
    Row(
        type="aws:cloudwatch/eventRule:EventRule",
        inputs=words("description eventPattern name scheduleExpression state"),
        create=_put_rule,
        read=_read_rule,
        update=_update_rule,
        delete=lambda api, identity, held: api("events").delete_rule(Name=identity),
        find=lambda api, p, mark: p["name"] if api.absent(api("events").describe_rule, Name=p["name"]) else None,
        computed=words("arn"),
        chosen=words("state"),
        replaces=words("name"),
        identity=("name",),
        autoname="name",
        tags=True,
        meaning=Meaning(json=words("eventPattern")),
    ),
    Row(
        type="aws:cloudwatch/eventTarget:EventTarget",
        inputs=words("arn rule targetId"),
        create=_put_target,
        read=_read_target,
        update=lambda api, identity, old, new, changed: _put_target(api, new, {}),
        delete=lambda api, identity, held: api("events").remove_targets(Rule=held["rule"], Ids=[held["targetId"]]),
        find=lambda api, p, mark: f"{p['rule']}-{p['targetId']}" if _read_target(api, "", p) else None,
        replaces=words("rule targetId"),
        identity=("rule", "targetId"),
    ),
]
