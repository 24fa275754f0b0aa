"""EFA: the network by which GPU machines talk to each other past their kernels, closed to all but the nodes of one pool."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.model import ClusterConfig, PoolConfig


class Fabric(pulumi.ComponentResource):
    """What the nodes of one pool with EFA share: a security group and, unless their capacity is reserved in one, a cluster placement group.

    EFA asks for everything between members of the group, both ways; the group lets in and out nothing else. No network policy sees this traffic, as it
    passes no kernel: who may have an interface is said by quotas.
    """

    group_id: pulumi.Output[str]

    def __init__(self, name: str, config: ClusterConfig, pool: PoolConfig, *, vpc: pulumi.Input[str], opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:cluster:Fabric", name, None, opts)
        here, tags = ResourceOptions(parent=self), naming.tags(config, "internal", "network")
        called = naming.fabric_name(config, pool.name)
        group = aws.ec2.SecurityGroup(
            name, name=called, description=f"EFA between the nodes of pool {pool.name}", vpc_id=vpc, tags={**tags, "Name": called}, opts=here
        )
        both: Any = {"security_group_id": group.id, "referenced_security_group_id": group.id, "ip_protocol": "-1", "tags": tags, "opts": here}
        aws.vpc.SecurityGroupIngressRule(f"{name}-in", description="Everything from members", **both)
        aws.vpc.SecurityGroupEgressRule(f"{name}-out", description="Everything to members", **both)
        if pool.reservation is None:
            aws.ec2.PlacementGroup(name, name=called, strategy="cluster", tags=tags, opts=here)
        self.group_id = group.id
        self.register_outputs({"group_id": self.group_id})
