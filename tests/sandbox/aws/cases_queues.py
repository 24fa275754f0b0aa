"""Cases of queues, of the rules that put events into them, and of the profile that hands machines a role."""

from __future__ import annotations

import json

from tests.sandbox.aws.cases import Case, Inputs, policy, role
from tests.sandbox.aws.conftest import Driver, Thing

_SPOT, _HEALTH = ({"source": [source]} for source in ("aws.ec2", "aws.health"))


def queue(driver: Driver) -> Thing:
    return driver.create("aws:sqs/queue:Queue", "queue", {"name": "falaj-local-interruptions"})


def _rule(driver: Driver) -> Thing:
    return driver.create("aws:cloudwatch/eventRule:EventRule", "rule", {"name": "falaj-local-spot", "eventPattern": json.dumps(_SPOT)})


def _target(driver: Driver) -> Inputs:
    return {"rule": _rule(driver).id, "targetId": "queue", "arn": queue(driver).outputs["arn"]}


def _profile(driver: Driver) -> Inputs:
    return {"name": "falaj-local-node", "role": role(driver, "node").id, "tags": {"part": "nodes"}}


QUEUES = [
    Case(
        "aws:sqs/queue:Queue",
        lambda driver: {"name": "falaj-local-interruptions", "messageRetentionSeconds": 300, "sqsManagedSseEnabled": True, "tags": {"part": "nodes"}},
        change={"messageRetentionSeconds": 600, "tags": {"part": "other"}},
        replace={"name": "other"},
        tamper=lambda server, thing: server.client("sqs").set_queue_attributes(QueueUrl=thing.id, Attributes={"MessageRetentionPeriod": "60"}),
        drift=["messageRetentionSeconds"],
    ),
    Case(
        "aws:sqs/queuePolicy:QueuePolicy",
        lambda driver: {"queueUrl": queue(driver).id, "policy": policy("sqs:SendMessage")},
        change={"policy": policy("sqs:ReceiveMessage")},
        replace={"queueUrl": "http://127.0.0.1/123456789012/other"},
    ),
    Case(
        "aws:cloudwatch/eventRule:EventRule",
        lambda driver: {"name": "falaj-local-spot", "description": "spot", "eventPattern": json.dumps(_SPOT), "tags": {"part": "nodes"}},
        change={"eventPattern": json.dumps(_HEALTH), "tags": {"part": "other"}},
        replace={"name": "other"},
        tamper=lambda server, thing: server.client("events").delete_rule(Name=thing.id),
    ),
    Case("aws:cloudwatch/eventTarget:EventTarget", _target, replace={"targetId": "other"}),
    Case(
        "aws:iam/instanceProfile:InstanceProfile",
        _profile,
        change={"tags": {"part": "other"}},
        replace={"path": "/other/"},
        tamper=lambda server, thing: server.client("iam").remove_role_from_instance_profile(InstanceProfileName=thing.id, RoleName="node"),
        drift=["role"],
    ),
]
