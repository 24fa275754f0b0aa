"""The provider's manners: what it refuses, what it hides, what it knows without asking."""

from __future__ import annotations

import asyncio
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from pulumi.provider.experimental import provider as rpc
from pulumi.provider.experimental.property_value import PropertyValue

from falaj.errors import Fault, UsageError
from infra.sandbox.aws.provider import AwsProvider
from infra.sandbox.aws.types import ROWS
from infra.sandbox.aws.values import wrap_map
from infra.sandbox.properties import UNKNOWN, Unknown, plain_map
from tests.sandbox.aws.cases_cluster import CASES
from tests.sandbox.aws.conftest import ACCOUNT, REGION, Driver, Server

BUCKET = "aws:s3/bucket:Bucket"


def invoke(provider: AwsProvider, token: str, **arguments: Any) -> dict[str, Any]:
    return plain_map(asyncio.run(provider.invoke(rpc.InvokeRequest(token, wrap_map(arguments)))).return_value or {})


def test_a_type_without_a_row_is_refused_by_name(driver: Driver) -> None:
    with pytest.raises(UsageError) as refusal:
        driver.check("aws:neptune/cluster:Cluster", "db", {})
    assert refusal.value.what == "the local AWS does not have aws:neptune/cluster:Cluster"
    assert "aws:s3/bucket:Bucket" in (refusal.value.allowed or "")


def test_an_input_that_is_not_modelled_is_refused_by_name(driver: Driver) -> None:
    request = rpc.CheckRequest("urn:pulumi:local::test::aws:s3/bucket:Bucket::b", {}, wrap_map({"bucket": "b", "website": {"x": 1}}), b"")
    failures = asyncio.run(driver.provider.check(request)).failures or []
    assert [failure.property for failure in failures] == ["website"]
    assert "forceDestroy" in failures[0].reason


def test_a_bucket_without_a_name_gets_one_and_keeps_it(driver: Driver) -> None:
    first = driver.check(BUCKET, "data", {})
    assert driver.check(BUCKET, "data", {}, first) == first
    assert first["bucket"].startswith("data-") and len(first["bucket"]) == len("data-") + 7


def test_default_tags_are_under_a_resources_own(driver: Driver) -> None:
    thing = driver.create(BUCKET, "tagged", {"bucket": "tagged", "tags": {"owner": "ml", "stage": "train"}})
    assert (thing.outputs["tags"], thing.outputs["tagsAll"]) == ({"owner": "ml", "stage": "train"}, {"owner": "ml", "stage": "train"})
    plain = driver.create(BUCKET, "plain", {"bucket": "plain"})
    assert plain.inputs == {"bucket": "plain", "tagsAll": {"owner": "falaj"}}
    driver.configure(region=REGION, defaultTags=json.dumps({"tags": {"owner": "somebody"}}))
    assert driver.diff(plain, {"bucket": "plain"}).diffs == ["tagsAll"]


def test_a_resource_may_name_its_own_region(server: Server, driver: Driver) -> None:
    thing = driver.create("aws:cloudwatch/logGroup:LogGroup", "far", {"name": "/far", "region": "eu-west-1"})
    assert thing.outputs["region"] == "eu-west-1"
    assert thing.outputs["arn"] == f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/far"
    assert server.client("logs").describe_log_groups(logGroupNamePrefix="/far")["logGroups"] == []
    assert driver.read(thing) == thing
    back = driver.diff(thing, {"name": "/far"})
    assert (back.replaces, back.delete_before_replace) == (["region"], True)


def test_a_secret_input_is_a_secret_output(driver: Driver) -> None:
    inputs = {"name": PropertyValue("/hush"), "tags": PropertyValue({"token": PropertyValue("s3cr3t", is_secret=True)})}
    urn = "urn:pulumi:local::test::aws:cloudwatch/logGroup:LogGroup::hush"
    checked = asyncio.run(driver.provider.check(rpc.CheckRequest(urn, {}, inputs, b""))).inputs or {}
    made = asyncio.run(driver.provider.create(rpc.CreateRequest(urn, checked, 0, False)))
    assert {name for name, value in made.properties.items() if value.contains_secret()} == {"tags", "tagsAll"}
    read = asyncio.run(driver.provider.read(rpc.ReadRequest(urn, made.resource_id or "", made.properties, checked)))
    assert {name for name, value in read.properties.items() if value.contains_secret()} == {"tags", "tagsAll"}
    asyncio.run(driver.provider.delete(rpc.DeleteRequest(urn, made.resource_id or "", made.properties, 0)))


def test_a_policy_written_differently_is_the_same_policy(driver: Driver) -> None:
    def trust(actions: Any, service: Any) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Principal": {"Service": service}}]}, indent=2)

    thing = driver.create("aws:iam/role:Role", "role", {"name": "role", "assumeRolePolicy": trust(["sts:AssumeRole"], ["ec2.amazonaws.com"])})
    assert driver.diff(thing, {"name": "role", "assumeRolePolicy": trust("sts:AssumeRole", "ec2.amazonaws.com")}).diffs == []
    assert driver.diff(thing, {"name": "role", "assumeRolePolicy": trust("sts:TagSession", "ec2.amazonaws.com")}).diffs == ["assumeRolePolicy"]


def test_a_failed_creation_leaves_nothing_behind(server: Server, driver: Driver) -> None:
    with pytest.raises(Fault, match="thing could not be created"):
        driver.create("aws:kms/key:Key", "thing", {"enableKeyRotation": True, "rotationPeriodInDays": 2})
    kms = server.client("kms")
    states = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] for key in kms.list_keys()["Keys"]]
    assert set(states) <= {"PendingDeletion"}


def test_auto_mode_is_on_or_off_as_a_whole(server: Server, driver: Driver) -> None:
    case = next(case for case in CASES if case.type == "aws:eks/cluster:Cluster")
    inputs = case.inputs(driver)
    with pytest.raises(Exception, match="must be enabled or disabled together"):
        driver.create(case.type, "thing", {**inputs, "computeConfig": {"enabled": True}})
    thing = driver.create(case.type, "thing", {**inputs, **{name: case.change[name] for name in ("computeConfig", "kubernetesNetworkConfig", "storageConfig")}})
    off = driver.diff(thing, inputs)
    assert (off.diffs, off.replaces) == (["computeConfig", "storageConfig"], [])
    thing = driver.update(thing, inputs)
    live = server.client("eks").describe_cluster(name=thing.id)["cluster"]
    assert (driver.diff(thing, inputs).diffs, live["computeConfig"], live["kubernetesNetworkConfig"]["elasticLoadBalancing"]) == ([], *[{"enabled": False}] * 2)


def test_creations_side_by_side_do_not_disturb_each_other(driver: Driver) -> None:
    network = driver.create("aws:ec2/vpc:Vpc", "network", {"cidrBlock": "10.0.0.0/16"}).id

    def make(number: int) -> str:
        return driver.create("aws:ec2/subnet:Subnet", f"s{number}", {"vpcId": network, "cidrBlock": f"10.0.{number}.0/24"}).id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(16)))) == 16


def test_a_replacement_is_not_mistaken_for_its_original(driver: Driver) -> None:
    thing = driver.create("aws:ec2/vpc:Vpc", "network", {"cidrBlock": "10.0.0.0/16"})
    wanted = driver.check("aws:ec2/vpc:Vpc", "network", {"cidrBlock": "10.1.0.0/16"})
    assert asyncio.run(driver.provider.adopt(thing.urn, thing.type, wrap_map(wanted))) is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type.rsplit(":", 1)[1])
def test_planning_offline_gives_what_planning_online_gives(driver: Driver, case: Any) -> None:
    offline = Driver(AwsProvider(offline=True))
    offline.configure(region=REGION, defaultTags='{"tags": {"owner": "falaj"}}')
    inputs = case.inputs(driver)
    kinds = [
        {name: UNKNOWN if isinstance(value, Unknown) else value for name, value in one.preview(case.type, "thing", inputs).items()} for one in (driver, offline)
    ]
    assert {name: repr(value) for name, value in kinds[0].items()} == {name: repr(value) for name, value in kinds[1].items()}


def test_offline_never_touches_anything(driver: Driver) -> None:
    offline = Driver(AwsProvider(offline=True))
    with pytest.raises(UsageError, match="only plans"):
        offline.create(BUCKET, "b", {"bucket": "b"})


def test_offline_any_type_can_be_planned(driver: Driver) -> None:
    offline = Driver(AwsProvider(offline=True))
    assert offline.preview("aws:neptune/cluster:Cluster", "db", {"engine": "neptune"}) == {"engine": "neptune"}


def test_another_account_is_refused_before_anything_is_made(driver: Driver) -> None:
    driver.configure(region=REGION, allowedAccountIds='["999999999999"]')
    with pytest.raises(UsageError, match=f"account {ACCOUNT} is not allowed"):
        driver.create(BUCKET, "b", {"bucket": "b"})


def test_a_real_endpoint_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.me-central-1.amazonaws.com")
    with pytest.raises(UsageError, match="only speaks to this machine"):
        Driver(AwsProvider()).create(BUCKET, "b", {"bucket": "b"})


def test_an_api_that_is_not_up_is_a_fault_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{probe.getsockname()[1]}")
    with pytest.raises(Fault) as fault:
        Driver(AwsProvider()).create(BUCKET, "b", {"bucket": "b"})
    assert fault.value.what == "the local AWS API does not answer" and (fault.value.given or "").endswith(": b could not be created")
    assert "make up" in (fault.value.next or "")


def test_functions_that_only_compute_answer_offline() -> None:
    offline = AwsProvider(offline=True)
    asyncio.run(offline.configure(rpc.ConfigureRequest({"aws:config:region": "me-central-1", "aws:config:allowedAccountIds": '["1"]'}, {}, True, False)))
    assert invoke(offline, "aws:index/getRegion:getRegion")["region"] == "me-central-1"
    assert invoke(offline, "aws:index/getPartition:getPartition")["partition"] == "aws"
    assert invoke(offline, "aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == "1"
    statement = {
        "sid": "read",
        "actions": ["s3:GetObject", "s3:ListBucket"],
        "resources": ["*"],
        "principals": [{"type": "AWS", "identifiers": ["1"]}],
        "conditions": [{"test": "Bool", "variable": "aws:SecureTransport", "values": ["true"]}],
    }
    document = json.loads(invoke(offline, "aws:iam/getPolicyDocument:getPolicyDocument", statements=[statement])["json"])
    assert document == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "read",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": "*",
                "Principal": {"AWS": "1"},
                "Condition": {"Bool": {"aws:SecureTransport": "true"}},
            }
        ],
    }


def test_functions_that_ask_do_so_online_and_are_unknown_offline(driver: Driver) -> None:
    token = "aws:index/getAvailabilityZones:getAvailabilityZones"
    assert invoke(driver.provider, token, state="available")["names"] == ["me-central-1a", "me-central-1b", "me-central-1c"]
    assert isinstance(invoke(AwsProvider(offline=True), token)["names"], Unknown)


def test_a_function_it_does_not_know_is_refused_by_name(driver: Driver) -> None:
    with pytest.raises(UsageError, match="aws:ec2/getAmi:getAmi"):
        invoke(driver.provider, "aws:ec2/getAmi:getAmi")


@pytest.mark.parametrize("given", [{}, {"tags": {"team": "risk"}}], ids=["before its tags", "with tags"])
def test_a_create_whose_answer_was_lost_is_taken_up_by_the_next_run(
    server: Server, driver: Driver, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, name = {"bucket": f"lost-{len(given)}", **given}, f"lost{len(given)}"
    row = ROWS[BUCKET]

    def made_and_lost(api: Any, p: dict[str, Any], tags: dict[str, str]) -> str:
        row.create(api, p, tags)
        raise ReadTimeoutError(endpoint_url=server.url)

    monkeypatch.setitem(ROWS, BUCKET, replace(row, create=made_and_lost, find=lambda api, p, mark: None))
    with pytest.raises(Fault, match=f"{name} could not be created"):
        driver.create(BUCKET, name, inputs)
    monkeypatch.setitem(ROWS, BUCKET, row)
    thing = driver.create(BUCKET, name, inputs)
    assert driver.read(thing) == thing and driver.diff(thing, inputs).diffs == []


def test_a_create_whose_answer_is_lost_while_the_api_stays_up_is_found_at_once(server: Server, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network has no name that could be taken twice: a second one would be made unless somebody looked."""
    row, kind = ROWS["aws:ec2/vpc:Vpc"], "aws:ec2/vpc:Vpc"

    def made_and_lost(api: Any, p: dict[str, Any], tags: dict[str, str]) -> str:
        row.create(api, p, tags)
        raise ReadTimeoutError(endpoint_url=server.url)

    monkeypatch.setitem(ROWS, kind, replace(row, create=made_and_lost))
    thing = driver.create(kind, "lost", {"cidrBlock": "10.77.0.0/16"})
    found = server.client("ec2").describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.77.0.0/16"]}])["Vpcs"]
    assert [each["VpcId"] for each in found] == [thing.id]


def test_a_thing_of_that_name_that_somebody_else_made_is_left_alone(server: Server, driver: Driver) -> None:
    server.client("s3").create_bucket(Bucket="theirs", CreateBucketConfiguration={"LocationConstraint": REGION})
    server.client("s3").put_bucket_tagging(Bucket="theirs", Tagging={"TagSet": [{"Key": "owner", "Value": "somebody"}]})
    with pytest.raises(Fault, match="theirs could not be created: BucketAlreadyOwnedByYou"):
        driver.create(BUCKET, "theirs", {"bucket": "theirs"})
    assert server.client("s3").get_bucket_tagging(Bucket="theirs")["TagSet"] == [{"Key": "owner", "Value": "somebody"}]
