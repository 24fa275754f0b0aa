"""What each type of resource is charged for, and how much of it a month: quantities only, no prices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from falaj.quantity import quantity
from infra.artifacts import PlannedResource
from infra.config.machines import machine
from infra.config.model import SHARED

GIB = Decimal(1 << 30)


@dataclass(frozen=True)
class Charge:
    """One thing a resource is charged for."""

    items: tuple[str, ...]
    """Names in the price table; several where any one of them may be what is charged, such as the instance types of a pool."""
    count: tuple[Decimal, Decimal] | None
    """Least and most of it at a time; None where it depends on use."""
    hourly: bool = False
    """`count` is charged for every hour that it exists; else once a month."""
    why: str = ""
    unknown: str = ""
    """What keeps it from being counted; `items` is empty then."""


class _NotKnown(Exception):
    """A value that the price depends on is only known after an apply, or says nothing that can be counted."""


Found = Mapping[str, PlannedResource]
"""URN -> resource, of one plan."""


def charges(resource: PlannedResource, found: Found) -> list[Charge] | None:
    """What `resource` is charged for; an empty list for what is free, None for a type that nobody has looked at."""
    if rule := _RULES.get(resource.type):
        return list(_counted(rule(resource, found)))
    if items := _BY_USE.get(resource.type):
        return [Charge((item,), None) for item in items]
    if resource.type in _FREE or resource.type.startswith(_FREE_PREFIXES):
        return []
    provider, _, module = resource.type.partition(":")
    group = module.partition("/")[0]
    if provider == "kubernetes" and (group in _FREE_GROUPS or group.endswith("k8s.io")):
        return []
    return None


def _counted(rule: Iterable[Charge]) -> Iterator[Charge]:
    """The charges of a rule up to the first thing it cannot know, and that."""
    try:
        yield from rule
    except _NotKnown as gap:
        yield Charge((), None, unknown=str(gap))


def _value(resource: PlannedResource, *path: str, default: Any = ...) -> Any:
    """An input that the price depends on. Raises _NotKnown where it is unknown, secret, or missing without a `default`."""
    value: Any = resource.inputs
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, dict) and "__falaj__" in value:
            raise _NotKnown(f"{'.'.join(path)} is {value['__falaj__']} before the apply")
    if value is None:
        if default is ...:
            raise _NotKnown(f"{'.'.join(path)} is not set")
        return default
    return value


def _number(resource: PlannedResource, *path: str, default: Any = ...) -> Decimal:
    value = _value(resource, *path, default=default)
    try:
        return quantity(value)
    except ValueError:
        raise _NotKnown(f"{'.'.join(path)} is no number: {value!r}") from None


def _always(item: str, count: int | Decimal = 1, *, why: str = "") -> Charge:
    return Charge((item,), (Decimal(count), Decimal(count)), hourly=True, why=why)


def _monthly(item: str, count: int | Decimal = 1, *, why: str = "") -> Charge:
    return Charge((item,), (Decimal(count), Decimal(count)), why=why)


def _by_use(*items: str) -> Iterable[Charge]:
    return [Charge((item,), None) for item in items]


def _cluster(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    extended = _value(resource, "upgradePolicy", "supportType", default="EXTENDED") == "EXTENDED"
    yield _always("cluster", why="its support type lets it run into extended support, which costs more" if extended else "standard support")


def _node_group(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    least, most, first = (_number(resource, "scalingConfig", key) for key in ("minSize", "maxSize", "desiredSize"))
    types = _value(resource, "instanceTypes")
    if not isinstance(types, list) or not all(isinstance(each, str) for each in types):
        raise _NotKnown("instanceTypes is unknown before the apply")
    nodes = f"{least} to {most} nodes, {first} at first"
    if _value(resource, "capacityType", default="ON_DEMAND") == "ON_DEMAND":
        yield Charge(tuple(types), (least, most), hourly=True, why=nodes)
    else:
        yield Charge((), None, unknown=f"{nodes}: the price of spot machines changes by the hour")
    yield from _node_disks(resource, found, (least, most))


def _node_disks(resource: PlannedResource, found: Found, nodes: tuple[Decimal, Decimal]) -> Iterable[Charge]:
    urns = resource.property_dependencies.get("launchTemplate", [])
    templates = [found[urn] for urn in urns if urn in found and found[urn].type == "aws:ec2/launchTemplate:LaunchTemplate"]
    if len(templates) != 1:
        raise _NotKnown("the disks of its nodes: no launch template of this plan says what they are")
    for disk in _value(templates[0], "blockDeviceMappings", default=[]):
        settings = disk.get("ebs", {}) if isinstance(disk, dict) else {}
        size, kind = settings.get("volumeSize"), settings.get("volumeType")
        if not isinstance(size, int | float | str) or not isinstance(kind, str):
            raise _NotKnown("the disks of its nodes are unknown before the apply")
        yield Charge((f"disk-{kind}",), (nodes[0] * quantity(size), nodes[1] * quantity(size)), why=f"{size} GB for each node")
    if _value(templates[0], "monitoring", "enabled", default=False):
        yield from _by_use("metrics")


def _scaled_pool(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    """A pool whose nodes come with the pods: from nothing to its limits, in nodes of its largest type."""
    asked = {each.get("key"): each.get("values") for each in _value(resource, "spec", "template", "spec", "requirements") if isinstance(each, dict)}
    types, kinds = asked.get("node.kubernetes.io/instance-type"), asked.get("karpenter.sh/capacity-type")
    if not isinstance(types, list) or not all(isinstance(each, str) for each in types):
        raise _NotKnown("it names no machines, so anything may be started")
    if kinds != ["on-demand"]:
        raise _NotKnown("what is reserved, or bought as spot, has no list price")
    most = _number(resource, "spec", "limits", "cpu") // max(machine(each).cpus for each in types)
    yield Charge(tuple(types), (Decimal(0), most), hourly=True, why=f"0 to {most} nodes, as pods ask for them; their disks are not in this sum")
    if _value(resource, "spec", "template", "spec", "nodeClassRef", "group", default="") == "eks.amazonaws.com":
        yield Charge(("auto-mode",), (Decimal(0), most), hourly=True, why="for each node that EKS starts, by its type")


def _detector_feature(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    item = {"EKS_AUDIT_LOGS": "detection-audit-logs", "S3_DATA_EVENTS": "detection-object-events"}.get(_value(resource, "name"))
    return _by_use(item or f"detection of {_value(resource, 'name')}")


def _analyzer(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    return _by_use("unused-access") if "UNUSED" in _value(resource, "type", default="ACCOUNT") else []


def _database(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    """A server of RDS and its disk; with a standby both are another thing in the price list, and not twice the price of one."""
    standby = bool(_value(resource, "multiAz", default=False))
    words, form = ("with a standby", "-standby") if standby else ("without a standby", "")
    kind = str(_value(resource, "instanceClass")).replace(".", "-")
    yield _always(f"{_value(resource, 'engine')}-{kind}{form}", why=words)
    least = _number(resource, "allocatedStorage")
    most = max(least, _number(resource, "maxAllocatedStorage", default=0))
    grows = f", and by itself up to {most}" if most > least else ""
    yield Charge((f"database-disk-{_value(resource, 'storageType', default='gp2')}{form}",), (least, most), why=f"{least} GB{grows}, {words}")
    yield from _by_use("database-copies")


def _key(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    yield _monthly("key", why="before its first rotation")
    yield from _by_use("key-requests")


def _endpoint(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    if _value(resource, "vpcEndpointType", default="Gateway") == "Gateway":
        return
    subnets = _value(resource, "subnetIds")
    yield _always("endpoint", len(subnets), why=f"in {len(subnets)} zones")
    yield from _by_use("endpoint-data")


def _firewall(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    zones = _value(resource, "subnetMappings")
    yield _always("firewall", len(zones), why=f"in {len(zones)} zones")
    yield from _by_use("firewall-data")


def _nat(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    yield _always("nat")
    yield from _by_use("nat-data")


def _balancer(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    if _value(resource, "loadBalancerType", default="application") == "application":
        yield _always("load-balancer")
        yield from _by_use("load-balancer-capacity")
    else:
        yield _always("load-balancer-network")


def _instance(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    yield Charge((str(_value(resource, "instanceType")),), (Decimal(1), Decimal(1)), hourly=True, why="one machine")
    size = _number(resource, "rootBlockDevice", "volumeSize")
    yield _monthly(f"disk-{_value(resource, 'rootBlockDevice', 'volumeType')}", size, why=f"{size} GB")


def _disk(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    size = _number(resource, "size")
    yield _monthly(f"disk-{_value(resource, 'type', default='gp2')}", size, why=f"{size} GB")


def _claim(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    kind = _value(resource, "spec", "storageClassName", default="")
    if not kind:
        raise _NotKnown("it names no storage class, and what the cluster's default is nobody says")
    if kind == SHARED:
        return  # Its files are counted where the file system is.
    size = _number(resource, "spec", "resources", "requests", "storage") / GIB
    yield _monthly(f"disk-{kind}", size, why=f"{size.normalize():f} GB, once a pod uses it")


def _service(resource: PlannedResource, found: Found) -> Iterable[Charge]:
    if _value(resource, "spec", "type", default="ClusterIP") == "LoadBalancer":
        yield _always("load-balancer-network", why="made by the cluster for this service")


_RULES: dict[str, Callable[[PlannedResource, Found], Iterable[Charge]]] = {
    "aws:accessanalyzer/analyzer:Analyzer": _analyzer,
    "aws:ebs/volume:Volume": _disk,
    "aws:ec2/eip:Eip": lambda resource, found: [_always("address")],
    "aws:ec2/instance:Instance": _instance,
    "aws:ec2/natGateway:NatGateway": _nat,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:eks/cluster:Cluster": _cluster,
    "aws:eks/nodeGroup:NodeGroup": _node_group,
    "aws:guardduty/detectorFeature:DetectorFeature": _detector_feature,
    "aws:kms/key:Key": _key,
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:networkfirewall/firewall:Firewall": _firewall,
    "aws:rds/instance:Instance": _database,
    "aws:secretsmanager/secret:Secret": lambda resource, found: [_monthly("secret")],
    "kubernetes:karpenter.sh/v1:NodePool": _scaled_pool,
    "kubernetes:core/v1:PersistentVolumeClaim": _claim,
    "kubernetes:core/v1:Service": _service,
}

_BY_USE: dict[str, tuple[str, ...]] = {
    "aws:amp/scraper:Scraper": ("samples-read",),
    "aws:amp/workspace:Workspace": ("samples-kept",),
    "aws:backup/plan:Plan": ("backup-kept",),
    "aws:cfg/recorder:Recorder": ("config-items",),
    "aws:cloudtrail/trail:Trail": ("trail-data-events",),
    "aws:cloudwatch/logGroup:LogGroup": ("logs-in", "logs-kept"),
    "aws:dynamodb/table:Table": ("table-kept", "table-recovery", "table-reads", "table-writes"),
    "aws:ec2/flowLog:FlowLog": ("flow-logs",),
    "aws:ecr/repository:Repository": ("images",),
    "aws:efs/fileSystem:FileSystem": ("shared-files", "shared-files-idle", "shared-files-moved"),
    "aws:guardduty/detector:Detector": ("detection-events", "detection-logs"),
    "aws:networkfirewall/loggingConfiguration:LoggingConfiguration": ("flow-logs",),
    "aws:s3/bucket:Bucket": ("objects", "object-requests"),
    "aws:s3/bucketV2:BucketV2": ("objects", "object-requests"),
    "aws:securityhub/account:Account": ("posture-checks",),
    "aws:sqs/queue:Queue": ("queue-requests",),
}

_FREE_PREFIXES = (
    "aws:iam/",
    "aws:s3/bucket",  # the settings of a bucket; the bucket itself stands above
    "aws:ec2/route",
    "aws:ec2/securityGroup",
    "aws:ec2/subnet",
    "aws:ec2/vpc:",
    "aws:vpc/securityGroup",
    "aws:ec2/default",
)
_FREE_GROUPS = frozenset({"apps", "autoscaling", "batch", "cert-manager.io", "core", "external-secrets.io", "policy"})
"""Of Kubernetes: what runs is paid for with the nodes that it runs on. Groups under k8s.io are free as well."""

_FREE = frozenset(
    {
        "aws:amp/alertManagerDefinition:AlertManagerDefinition",
        "aws:amp/ruleGroupNamespace:RuleGroupNamespace",
        "aws:backup/selection:Selection",
        "aws:backup/vault:Vault",
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        "aws:budgets/budget:Budget",
        "aws:cfg/deliveryChannel:DeliveryChannel",
        "aws:cfg/recorderStatus:RecorderStatus",
        "aws:cfg/retentionConfiguration:RetentionConfiguration",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:efs/accessPoint:AccessPoint",
        "aws:efs/backupPolicy:BackupPolicy",
        "aws:efs/fileSystemPolicy:FileSystemPolicy",
        "aws:efs/mountTarget:MountTarget",
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "aws:eks/addon:Addon",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "aws:kms/alias:Alias",
        "aws:networkfirewall/firewallPolicy:FirewallPolicy",
        "aws:networkfirewall/ruleGroup:RuleGroup",
        "aws:rds/parameterGroup:ParameterGroup",
        "aws:rds/subnetGroup:SubnetGroup",
        "aws:sqs/queuePolicy:QueuePolicy",
        "kubernetes:eks.amazonaws.com/v1:NodeClass",
        "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass",
    }
)
