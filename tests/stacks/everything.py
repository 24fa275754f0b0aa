"""Prod with what it can be asked for besides: a way out, Karpenter, EFA, queues, a JobSet, the server of runs, secrets and certificates, a canary."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from falaj.home import ROOT
from infra.artifacts import Plan
from infra.engine.embedded import EmbeddedEngine
from infra.engine.engine import Program
from infra.engine.program import open_program
from infra.pipeline.plan import STACKS, plan_programs

_EVERYWHERE = {"tracking": "server", "secrets": "external", "autoscaler": "karpenter"}
_FABRIC = {
    "name": "fabric",
    "kind": "gpu",
    "instance_types": ["g6e.8xlarge"],
    "minimum": 0,
    "maximum": 4,
    "disk_gib": 200,
    "efa": True,
    "zone": "me-central-1a",
}
_ENDPOINTS = ["autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticfilesystem", "elasticloadbalancing", "kms", "logs", "secretsmanager"]
_MORE: dict[str, dict[str, Any]] = {
    "foundation": {
        "network": {"cidr": "10.40.0.0/16", "egress": {"domains": ["registry.example.org"]}, "interface_endpoints": [*_ENDPOINTS, "sqs", "ssm", "sts"]}
    },
    "cluster": {"monitoring": {"topic": "arn:aws:sns:me-central-1:333333333333:alerts"}},
    "platform": {
        "queues": "kueue",
        "certificates": True,
        "snapshots": True,
        "monitored": True,
        "fabric_plugin": "sha256:" + "b" * 64,
        "tracking_server": {"image": "sha256:" + "a" * 64, "authority": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
    },
    "workloads": {
        "tracking_uri": "https://mlflow.tracking.svc.cluster.local:5000",
        "queue": "falaj",
        "training": {"nodes": 3, "least_nodes": 2, "gpus": 1, "gang": "jobset"},
        "canary": {"version": "mine-2", "digest": "sha256:" + "0" * 64},
    },
}


def plans() -> list[Plan]:
    """Its plans, of stacks that are called as prod's; writes nothing."""
    pools = [*json.loads(open_program(ROOT / "stacks" / "cluster", "prod").config["falaj:pools"]), _FABRIC]
    with_pools = {"cluster": {"pools": pools}, "platform": {"pools": pools}}
    return plan_programs([_asked(stack, {**_MORE[stack], **with_pools.get(stack, {})}) for stack in STACKS], engine=EmbeddedEngine("prod"))


def _asked(stack: str, more: dict[str, Any]) -> Program:
    as_it_is = open_program(ROOT / "stacks" / stack, "prod")
    config = {f"falaj:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in {**_EVERYWHERE, **more}.items()}
    return replace(as_it_is, config={**as_it_is.config, **config})
