"""What planned stacks cost: a small happy world, in which each test changes one fact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from infra.artifacts import SECRET, UNKNOWN, Op, Plan, PlannedResource, StateRef
from infra.config.prices import Prices, prices
from infra.pipeline.cost import Estimate, Line, estimate, standing

PROVIDER = "urn:pulumi:prod::falaj-cluster::pulumi:providers:aws::aws"


def made(type_: str, name: str, inputs: dict[str, Any], *, op: Op = "create", uses: dict[str, list[str]] | None = None) -> PlannedResource:
    return PlannedResource(
        urn=urn(type_, name), type=type_, name=name, op=op, custom=True, provider=PROVIDER + "::", inputs=inputs, property_dependencies=uses or {}
    )


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:prod::falaj-cluster::{type_}::{name}"


GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
DISK = {"deviceName": "/dev/xvda", "ebs": {"volumeType": "gp3", "volumeSize": 100}}


@dataclass(frozen=True)
class World:
    """One cluster stack in me-central-1: a control plane, two to four m7i.large, a private endpoint in three zones, a role and a 50 GB claim."""

    resources: tuple[PlannedResource, ...] = (
        PlannedResource(urn=PROVIDER, type="pulumi:providers:aws", name="aws", op="create", custom=True, inputs={"region": "me-central-1"}),
        made("aws:eks/cluster:Cluster", "cluster", {"upgradePolicy": {"supportType": "STANDARD"}}),
        made(TEMPLATE, "system", {"blockDeviceMappings": [DISK]}),
        made(
            GROUP,
            "system",
            {"instanceTypes": ["m7i.large"], "capacityType": "ON_DEMAND", "scalingConfig": {"minSize": 2, "maxSize": 4, "desiredSize": 2}},
            uses={"launchTemplate": [urn(TEMPLATE, "system")]},
        ),
        made(ENDPOINT, "ecr", {"vpcEndpointType": "Interface", "subnetIds": [UNKNOWN, UNKNOWN, UNKNOWN]}),
        made("aws:iam/role:Role", "node", {}),
        made(CLAIM, "work", {"spec": {"storageClassName": "gp3", "resources": {"requests": {"storage": "50Gi"}}}}),
    )

    def having(self, name: str, type_: str, **inputs: Any) -> World:
        """The same with inputs of one resource changed."""
        return World(
            tuple(each.model_copy(update={"inputs": {**each.inputs, **inputs}}) if (each.name, each.type) == (name, type_) else each for each in self.resources)
        )

    def adding(self, type_: str, name: str, **inputs: Any) -> World:
        return World((*self.resources, made(type_, name, inputs)))

    def without(self, type_: str) -> World:
        return World(tuple(each for each in self.resources if each.type != type_))

    @property
    def plan(self) -> Plan:
        state = StateRef(serial=0, digest="sha256:0")
        return Plan(environment="prod", project="falaj-cluster", stack="cluster", program="sha256:1", state=state, resources=list(self.resources))


def costed(world: World) -> Estimate:
    return estimate([world.plan])


def lines(world: World, type_: str) -> list[Line]:
    return [line for line in costed(world).lines if line.type == type_]


def short(found: list[Line]) -> list[tuple[Any, ...]]:
    return [(line.kind, *line.items, line.quantity, line.monthly, line.why) for line in found]


def test_the_happy_world_costs_what_its_parts_cost() -> None:
    found = costed(World())
    assert {line.name + " " + line.what: line.monthly for line in found.only("fixed")} == {
        "cluster EKS control plane, standard support": (73.0, 73.0),
        "system m7i.large": (180.44, 360.88),
        "system gp3 disk": (19.36, 38.72),
        "ecr interface endpoint in one zone": (26.5, 26.5),
        "work gp3 disk": (4.84, 4.84),
    }
    assert (found.monthly, [(each.stack, each.monthly, each.now) for each in found.stacks]) == ((304.14, 503.94), [("cluster", (304.14, 503.94), None)])
    assert [line.name for line in found.only("free")] == ["system", "node"]
    assert (found.only("unpriced"), found.only("unknown"), found.unpriced_instances) == ([], [], {})


def test_a_line_says_its_price_its_source_and_what_was_assumed() -> None:
    line = lines(World(), GROUP)[0]
    assert line == Line(
        stack="cluster",
        urn=urn(GROUP, "system"),
        type=GROUP,
        name="system",
        kind="fixed",
        what="m7i.large",
        items=["m7i.large"],
        unit="instance-hour",
        unit_price=(0.12359, 0.12359),
        quantity=(1460.0, 2920.0),
        monthly=(180.44, 360.88),
        source="AmazonEC2, read 2026-11-26",
        why="2 to 4 nodes, 2 at first",
    )


def test_what_depends_on_use_is_listed_with_its_unit_price_and_not_summed() -> None:
    world = World().adding("aws:s3/bucket:Bucket", "data")
    assert [(line.name, line.what, line.unit_price, line.unit) for line in costed(world).only("usage")][1:] == [
        ("data", "objects, S3 Standard, versions that are kept included", (0.025, 0.025), "GB-month"),
        ("data", "writes and lists of the bucket", (0.0055, 0.0055), "1,000 requests"),
    ]
    assert costed(world).monthly == costed(World()).monthly


def test_a_pool_that_may_run_either_of_two_machines_costs_at_least_the_cheaper_and_at_most_the_dearer() -> None:
    line = lines(World().having("system", GROUP, instanceTypes=["m7i.large", "c7i.large"]), GROUP)[0]
    assert (line.unit_price, line.monthly) == ((0.10725, 0.12359), (156.58, 360.88))


def test_a_machine_without_a_price_is_listed_by_name_and_not_guessed() -> None:
    world = World().having("system", GROUP, instanceTypes=["r8i.2xlarge"])
    assert short(lines(world, GROUP)[:1]) == [("unpriced", "r8i.2xlarge", None, None, "no price of r8i.2xlarge in me-central-1 has been found")]
    assert costed(world).unpriced_instances == {"r8i.2xlarge": ["system"]}
    assert costed(world).monthly == (123.7, 143.06)


def test_one_machine_without_a_price_keeps_the_whole_pool_out_of_the_sum() -> None:
    world = World().having("system", GROUP, instanceTypes=["m7i.large", "r8i.2xlarge"])
    assert costed(world).unpriced_instances == {"r8i.2xlarge": ["system"]}
    assert costed(world).monthly == (123.7, 143.06)


def test_a_region_without_prices_leaves_everything_unpriced() -> None:
    found = costed(World().having("aws", "pulumi:providers:aws", region="me-south-1"))
    assert found.monthly == (0.0, 0.0)
    assert {line.why for line in found.only("unpriced")} == {"no prices are known of region me-south-1"}


def test_a_resource_in_another_region_than_its_providers_is_priced_there() -> None:
    found = lines(World().having("ecr", ENDPOINT, region="eu-west-1"), ENDPOINT)
    assert {line.why for line in found} == {"no prices are known of region eu-west-1"}


def test_a_type_that_nobody_has_looked_at_is_not_taken_for_free() -> None:
    found = costed(World().adding("aws:redshift/cluster:Cluster", "database", instanceClass="db.m7g.large"))
    assert [(line.name, line.type, line.why) for line in found.only("unpriced")] == [
        ("database", "aws:redshift/cluster:Cluster", "nobody has looked at what this type costs")
    ]


def test_the_size_of_a_pool_that_only_an_apply_can_tell_is_said() -> None:
    world = World().having("system", GROUP, scalingConfig=UNKNOWN)
    assert short(lines(world, GROUP)) == [("unknown", None, None, "scalingConfig.minSize is unknown before the apply")]


def test_a_secret_is_not_looked_into() -> None:
    world = World().having("system", GROUP, scalingConfig=SECRET)
    assert short(lines(world, GROUP)) == [("unknown", None, None, "scalingConfig.minSize is secret before the apply")]


def test_an_endpoint_in_subnets_that_only_an_apply_can_tell_is_not_counted() -> None:
    assert short(lines(World().having("ecr", ENDPOINT, subnetIds=UNKNOWN), ENDPOINT)) == [("unknown", None, None, "subnetIds is unknown before the apply")]


def test_a_gateway_endpoint_is_free() -> None:
    assert [line.kind for line in lines(World().having("ecr", ENDPOINT, vpcEndpointType="Gateway"), ENDPOINT)] == ["free"]


def test_spot_machines_have_no_price_that_holds_and_their_disks_have() -> None:
    assert short(lines(World().having("system", GROUP, capacityType="SPOT"), GROUP)) == [
        ("unknown", None, None, "2 to 4 nodes, 2 at first: the price of spot machines changes by the hour"),
        ("fixed", "disk-gp3", (200.0, 400.0), (19.36, 38.72), "100 GB for each node"),
    ]


def test_nodes_whose_disks_no_template_describes_are_counted_without_them() -> None:
    assert [line.kind for line in lines(World().without(TEMPLATE), GROUP)] == ["fixed", "unknown"]


def test_a_disk_of_a_type_without_a_price_is_named() -> None:
    world = World().having("system", TEMPLATE, blockDeviceMappings=[{"ebs": {"volumeType": "io2", "volumeSize": 100}}])
    assert short(lines(world, GROUP))[1:] == [("unpriced", "disk-io2", None, None, "no price of disk-io2 in me-central-1 has been found")]


def test_shared_files_are_paid_for_by_what_they_hold_once_and_have_no_price_yet() -> None:
    files = "aws:efs/fileSystem:FileSystem"
    world = World().adding(files, "files", encrypted=True).having("work", CLAIM, spec={"storageClassName": "efs"})
    assert [line.kind for line in lines(world, CLAIM)] == ["free"]
    assert short(lines(world, files)) == [
        ("unpriced", item, None, None, f"no price of {item} in me-central-1 has been found")
        for item in ("shared-files", "shared-files-idle", "shared-files-moved")
    ]


def test_a_claim_without_a_storage_class_is_not_guessed() -> None:
    world = World().having("work", CLAIM, spec={"resources": {"requests": {"storage": "50Gi"}}})
    assert [(line.kind, line.why) for line in lines(world, CLAIM)] == [("unknown", "it names no storage class, and what the cluster's default is nobody says")]


def test_a_claim_in_decimal_units_is_counted_as_the_disk_that_holds_it() -> None:
    world = World().having("work", CLAIM, spec={"storageClassName": "gp3", "resources": {"requests": {"storage": "107374182400"}}})
    assert lines(world, CLAIM)[0].quantity == (100.0, 100.0)


def test_a_size_that_is_no_number_is_said() -> None:
    world = World().having("work", CLAIM, spec={"storageClassName": "gp3", "resources": {"requests": {"storage": "much"}}})
    assert lines(world, CLAIM)[0].why == "spec.resources.requests.storage is no number: 'much'"


def test_what_is_deleted_costs_nothing_any_more() -> None:
    gone = World(tuple(each.model_copy(update={"op": "delete"}) if each.type == ENDPOINT else each for each in World().resources))
    assert lines(gone, ENDPOINT) == []


def test_a_change_is_compared_with_the_state_that_it_starts_from() -> None:
    """Two machines more at most; the state is as an engine exports it."""
    before = World().plan
    exported = {
        "deployment": {
            "resources": [
                {
                    "urn": each.urn,
                    "type": each.type,
                    "custom": True,
                    "provider": each.provider,
                    "inputs": each.inputs,
                    "propertyDependencies": each.property_dependencies,
                }
                for each in before.resources
            ]
        }
    }
    after = World().having("system", GROUP, scalingConfig={"minSize": 2, "maxSize": 6, "desiredSize": 2}).plan
    found = estimate([after], states={"cluster": standing(after, exported)})
    assert [(each.monthly, each.now) for each in found.stacks] == [((304.14, 703.74), (304.14, 503.94))]


def test_an_empty_state_costs_nothing_now() -> None:
    plan = World().plan
    assert estimate([plan], states={"cluster": standing(plan, {"deployment": None})}).stacks[0].now == (0.0, 0.0)


def test_local_says_that_nothing_is_charged() -> None:
    plan = World().plan.model_copy(update={"environment": "local"})
    assert estimate([plan]).assumptions[-1].startswith("local is emulated on this machine and costs nothing")


def test_a_stack_without_a_region_of_its_own_takes_the_one_it_is_told() -> None:
    alone = replace(World(), resources=tuple(each for each in World().resources if each.type == CLAIM)).plan
    assert [line.why for line in estimate([alone]).lines] == ["its region is not known"]
    assert estimate([alone], region="me-central-1").monthly == (4.84, 4.84)


def scaled(**changes: Any) -> Line:
    """The line of a pool that Karpenter starts: up to four g5.2xlarge."""
    wanted = {"node.kubernetes.io/instance-type": ["g5.2xlarge"], "karpenter.sh/capacity-type": ["on-demand"], **changes}
    requirements = [{"key": key, "operator": "In", "values": values} for key, values in wanted.items()]
    inputs = {"spec": {"template": {"spec": {"requirements": requirements}}, "limits": {"cpu": "32"}}}
    found = costed(World().adding("kubernetes:karpenter.sh/v1:NodePool", "gpu", **inputs))
    return next(line for line in found.lines if line.name == "gpu")


def test_a_pool_of_karpenter_costs_from_nothing_to_its_limits() -> None:
    assert scaled().monthly == (0.0, round(4 * 1.48669 * 730, 2))


def test_a_pool_whose_machines_are_reserved_or_anything_has_no_price() -> None:
    assert scaled(**{"karpenter.sh/capacity-type": ["reserved"]}).why == "what is reserved, or bought as spot, has no list price"
    assert scaled(**{"node.kubernetes.io/instance-type": None}).why == "it names no machines, so anything may be started"


DATABASE = "aws:rds/instance:Instance"
SERVER = {"engine": "postgres", "instanceClass": "db.m7g.large", "storageType": "gp3", "allocatedStorage": 50, "maxAllocatedStorage": 500}


def test_a_database_is_counted_by_machine_standby_and_disk_and_has_no_price_yet() -> None:
    found = costed(World().adding(DATABASE, "database", **SERVER, multiAz=True)).only("unpriced")
    assert [(*line.items, line.unit) for line in found] == [
        ("postgres-db-m7g-large-standby", "instance-hour"),
        ("database-disk-gp3-standby", "GB-month"),
        ("database-copies", "GB-month"),
    ]


def test_a_database_is_summed_as_soon_as_the_table_has_its_prices() -> None:
    table = prices().model_dump()
    for item, usd in (("postgres-db-m7g-large", "0.5"), ("database-disk-gp3", "0.1")):
        table["regions"]["me-central-1"]["items"][item] |= {"usd": usd, "source": "ec2"}
    world = World().adding(DATABASE, "database", **SERVER)
    found = [line for line in estimate([world.plan], table=Prices.model_validate(table)).lines if line.type == DATABASE]
    assert short(found)[:2] == [
        ("fixed", "postgres-db-m7g-large", (730.0, 730.0), (365.0, 365.0), "without a standby"),
        ("fixed", "database-disk-gp3", (50.0, 500.0), (5.0, 50.0), "50 GB, and by itself up to 500, without a standby"),
    ]
