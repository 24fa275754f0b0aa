"""What Karpenter needs of AWS: an identity for its controller, a profile for the nodes it starts, and a queue that says which are taken back."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies, reach
from infra.components.policies import STARTED, Statement, document, ec2, statement
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import ClusterConfig, Common, PlatformStackConfig

ACCOUNT = "karpenter"
"""Service account of the controller, in kube-system."""
_SEEN = ("CapacityReservations", "Images", "InstanceStatus", "InstanceTypeOfferings", "InstanceTypes", "Instances", "LaunchTemplates")
_EVENTS = {
    "spot": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    "state": ("aws.ec2", "EC2 Instance State-change Notification"),
    "health": ("aws.health", "AWS Health Event"),
}


class Karpenter(pulumi.ComponentResource):
    """Role of the controller, bound to its one service account and to machines of this cluster; instance profile of its nodes; interruption queue.

    Which nodes there are to be stands in the platform stack (`ScaledPools`).
    """

    def __init__(
        self, name: str, config: ClusterConfig, *, cluster: pulumi.Input[str], node_role: pulumi.Input[str], opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("falaj:cluster:Karpenter", name, None, opts)
        here, tags = ResourceOptions(parent=self), naming.tags(config, "internal", "nodes")
        aws.iam.InstanceProfile(name, name=naming.node_profile_name(config), role=node_role, tags=tags, opts=here)
        role = ServiceRole(
            name,
            config,
            trust=policies.trusts_pods(config, "kube-system", ACCOUNT),
            inline={"nodes": nodes(config), "node-disks": policies.volume_policy(config)},
            purpose="node autoscaler",
            opts=here,
        )
        reach.give(name, role, cluster=cluster, namespace="kube-system", account=ACCOUNT, tags=tags, parent=self)
        self._listen(name, config, tags)
        self.register_outputs({})

    def _listen(self, name: str, config: ClusterConfig, tags: dict[str, str]) -> None:
        here = ResourceOptions(parent=self)
        queue = aws.sqs.Queue(
            name,
            name=naming.interruptions_name(config),
            # A warning comes two minutes before the end: what is older says nothing any more.
            message_retention_seconds=300,
            sqs_managed_sse_enabled=True,
            tags=tags,
            opts=here,
        )
        aws.sqs.QueuePolicy(name, queue_url=queue.id, policy=queue_policy(config), opts=here)
        for label, (source, what) in _EVENTS.items():
            rule = aws.cloudwatch.EventRule(
                f"{name}-{label}",
                name=f"{naming.interruptions_name(config)}-{label}",
                description=what,
                event_pattern=json.dumps({"source": [source], "detail-type": [what]}, sort_keys=True),
                tags=tags,
                opts=here,
            )
            aws.cloudwatch.EventTarget(f"{name}-{label}", rule=rule.name, arn=queue.arn, target_id="queue", opts=here)


def queue_arn(config: Common) -> str:
    """ARN of the interruption queue, known before it is."""
    return naming.arn(config, "sqs", naming.interruptions_name(config))


def queue_policy(config: Common) -> str:
    """The rules of this account put messages in; everything else comes over TLS."""
    arn = queue_arn(config)
    ours = {"ArnLike": {"aws:SourceArn": naming.arn(config, "events", f"rule/{naming.interruptions_name(config)}-*")}}
    return document(
        statement("Events", ["sqs:SendMessage"], [arn], Principal={"Service": "events.amazonaws.com"}, Condition=ours),
        statement("TlsOnly", ["sqs:*"], [arn], effect="Deny", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
    )


def nodes(config: ClusterConfig | PlatformStackConfig) -> str:
    """What the controller may do: start machines that carry this cluster's tags from the first moment, and end those that do."""
    cluster = naming.cluster_name(config)
    owned, pool = f"kubernetes.io/cluster/{cluster}", "karpenter.sh/nodepool"
    named = {"StringLike": {f"aws:RequestTag/{pool}": "*"}}
    asks = {"StringEquals": {f"aws:RequestTag/{owned}": "owned", "aws:RequestTag/eks:eks-cluster-name": cluster}, **named}
    has = {"StringEquals": {f"aws:ResourceTag/{owned}": "owned"}, "StringLike": {f"aws:ResourceTag/{pool}": "*"}}
    making = {
        "StringEquals": {**asks["StringEquals"], "ec2:CreateAction": ["CreateFleet", "CreateLaunchTemplate", "RunInstances"]},
        "StringLike": asks["StringLike"],
    }
    keys = {**has, "ForAllValues:StringEquals": {"aws:TagKeys": ["Name", "eks:eks-cluster-name", "karpenter.sh/nodeclaim"]}}
    images = [f"arn:{config.partition}:ec2:{config.region}::{kind}/*" for kind in ("image", "snapshot")]
    woven = any(pool.efa for pool in config.pools)
    used = [*images, *ec2(config, "capacity-reservation", *(["placement-group"] if woven else []), "security-group", "subnet")]
    starts, templates = ["ec2:CreateFleet", "ec2:RunInstances"], ec2(config, "launch-template")
    looks = [
        *(f"ec2:Describe{each}" for each in (*_SEEN, *(["PlacementGroups"] if woven else []))),
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSpotPriceHistory",
        "ec2:DescribeSubnets",
    ]
    return document(
        statement("Uses", starts, used),
        statement("UsesTemplates", starts, templates, Condition=has),
        statement("Starts", [*starts, "ec2:CreateLaunchTemplate"], ec2(config, *STARTED), Condition=asks),
        statement("TagsWhatItStarts", ["ec2:CreateTags"], ec2(config, *STARTED), Condition=making),
        statement("TagsItsNodes", ["ec2:CreateTags"], ec2(config, "instance"), Condition=keys),
        statement("Ends", ["ec2:DeleteLaunchTemplate", "ec2:TerminateInstances"], ec2(config, "instance", "launch-template"), Condition=has),
        statement("Looks", looks, ["*"], Condition={"StringEquals": {"aws:RequestedRegion": config.region}}),
        *scaling(config),
    )


def scaling(config: Common) -> list[Statement]:
    """What is neither of EC2 nor of keys; the boundary of services has it too."""
    cluster = naming.arn(config, "eks", f"cluster/{naming.cluster_name(config)}")
    images = f"arn:{config.partition}:ssm:{config.region}::parameter/aws/service/*"
    profile = naming.global_arn(config, "iam", f"instance-profile/{naming.node_profile_name(config)}")
    return [
        statement("FindCluster", ["eks:DescribeCluster"], [cluster]),
        policies.hands_nodes(config, "node"),
        statement("FindProfile", ["iam:GetInstanceProfile"], [profile]),
        statement("FindImages", ["ssm:GetParameter"], [images]),
        statement("Interruptions", ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"], [queue_arn(config)]),
    ]
