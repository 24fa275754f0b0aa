"""What buckets, keys and the way to S3 say themselves: to services that deliver, to strangers, and to whoever comes another way."""

from __future__ import annotations

import pytest

from infra.config.load import load_environment
from infra.config.model import ENVIRONMENTS
from tests.iam.account import Account
from tests.iam.evaluate import Principal, Request, answer
from tests.iam.test_roles import ADMINISTRATOR, account

pytestmark = [pytest.mark.xdist_group("plans of iam"), pytest.mark.usefixtures("falaj_home")]
SOMEBODY = "999999999999"


def anything(there: Account, role: str) -> Principal:
    """A role without any bound, so that only the resource can say no."""
    return Principal(there.role_arn(role), [ADMINISTRATOR])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_bucket_answers_without_tls_or_strangers_whatever_they_hold(environment: str) -> None:
    there = account(environment)
    stranger = Principal(f"arn:aws:iam::{SOMEBODY}:role/admin", [ADMINISTRATOR])
    for bucket in there.bucket_policies:
        thing = f"{there.bucket(bucket)}/a"
        assert there.ask(anything(there, "admin"), "s3:GetObject", thing, aws__SecureTransport="false") == "denied"
        assert there.ask(anything(there, "admin"), "s3:GetObject", thing, s3__TlsVersion="1.1") == "denied"
        assert there.ask(stranger, "s3:GetObject", thing) == "denied"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_data_and_releases_are_reached_from_the_network_alone_save_by_those_who_make_copies(environment: str) -> None:
    there = account(environment)

    def from_outside(role: str) -> set[str]:
        asked = {bucket: there.ask(anything(there, role), "s3:GetObject", f"{there.bucket(bucket)}/a", aws__VpcSourceIp="") for bucket in there.bucket_policies}
        return {bucket for bucket, said in asked.items() if said == "allowed"}

    assert from_outside("admin") == from_outside("training") == {"state", "evidence", "logs"}
    assert from_outside("backup") == from_outside("restore") == {"state", "evidence", "logs", "artifacts"}
    assert there.ask(anything(there, "admin"), "s3:GetObject", f"{there.bucket('data')}/a", aws__VpcSourceIp="192.0.2.1") == "denied"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_service_delivers_for_this_account_below_its_prefix_and_nowhere_else(environment: str) -> None:
    there = account(environment)
    sources = {
        "cloudtrail": there.arn("cloudtrail", f"trail/falaj-{environment}"),
        "delivery.logs": there.arn("logs", "*"),
        "config": "",
    }

    def delivers(service: str, bucket: str, path: str, owner: str = there.number) -> bool:
        thing = f"{there.bucket(bucket)}/{path}"
        where = {"aws__SourceAccount": owner, "aws__SourceArn": sources[service].replace(there.number, owner)}
        return there.ask(Principal(f"{service}.amazonaws.com"), "s3:PutObject", thing, **where) == "allowed"

    own = f"AWSLogs/{there.number}"
    every = [(service, bucket) for service in sources for bucket in there.bucket_policies]
    assert {each for each in every if delivers(*each, f"{own}/Config/a")} == {("cloudtrail", "evidence"), ("delivery.logs", "logs"), ("config", "logs")}
    assert {each for each in every if delivers(*each, f"{own}/a")} == {("cloudtrail", "evidence"), ("delivery.logs", "logs")}
    assert [each for each in every if delivers(*each, "a") or delivers(*each, f"{own}/Config/a", SOMEBODY)] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_key_serves_this_accounts_policies_and_named_services_and_no_stranger(environment: str) -> None:
    there = account(environment)
    stranger = Principal(f"arn:aws:iam::{SOMEBODY}:role/admin", [ADMINISTRATOR])
    keys = list(there.key_policies)
    assert [key for key in keys if there.ask(stranger, "kms:Decrypt", there.key(key)) != "not allowed"] == []

    def uses(service: str, owner: str, source: str = "") -> list[str]:
        where = {"aws__SourceAccount": owner, "aws__SourceArn": source.replace(there.number, owner)}
        return [key for key in keys if there.ask(Principal(f"{service}.amazonaws.com"), "kms:GenerateDataKey", there.key(key), **where) == "allowed"]

    trail, logs = there.arn("cloudtrail", f"trail/falaj-{environment}"), there.arn("logs", "delivery:a")
    assert (uses("cloudtrail", there.number, trail), uses("delivery.logs", there.number, logs)) == (["evidence"], ["internal"])
    assert (uses("cloudtrail", SOMEBODY, trail), uses("delivery.logs", SOMEBODY, logs), uses("lambda", there.number)) == ([], [], [])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_is_carried_through_the_way_to_s3_to_or_by_somebody_else(environment: str) -> None:
    there = account(environment)
    passes = there.endpoint_policies["network-s3"]

    def carried(action: str, resource: str, by: str, owner: str) -> bool:
        who = Principal(f"arn:aws:iam::{by}:role/any")
        context = {"aws:PrincipalAccount": by, "aws:ResourceAccount": owner}
        return answer(Request(who, action, resource, context), passes) == "allowed"

    own, theirs = f"{there.bucket('data')}/a", "arn:aws:s3:::mine/a"
    assert carried("s3:PutObject", own, there.number, there.number)
    assert not carried("s3:PutObject", theirs, there.number, SOMEBODY)
    assert not carried("s3:PutObject", theirs, SOMEBODY, SOMEBODY)
    layers = f"arn:aws:s3:::prod-{there.region}-starport-layer-bucket/a"
    assert carried("s3:GetObject", layers, there.number, SOMEBODY) and not carried("s3:PutObject", layers, there.number, SOMEBODY)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_interface_endpoint_carries_our_own_calls_to_our_own_things_and_no_strangers(environment: str) -> None:
    there = account(environment)
    passes = {name.removeprefix("network-"): document for name, document in there.endpoint_policies.items() if name not in ("network-s3", "network-dynamodb")}
    assert passes.keys() == {service.replace(".", "-") for service in load_environment(environment).foundation.network.interface_endpoints}

    def carrying(action: str, resource: str = "*", by: str = there.number, **owner: str) -> set[str]:
        context = {"aws:PrincipalAccount": by, **{key.replace("__", ":"): value for key, value in owner.items()}}
        asked = {name: answer(Request(Principal(f"arn:aws:iam::{by}:role/any"), action, resource, context), document) for name, document in passes.items()}
        return {name for name, said in asked.items() if said == "allowed"}

    theirs, key = {"aws__ResourceAccount": SOMEBODY}, there.arn("kms", "key/1")
    assert carrying("kms:Decrypt", key, aws__ResourceAccount=there.number) == carrying("ec2:CreateVolume") == passes.keys()
    assert carrying("kms:Decrypt", key.replace(there.number, SOMEBODY), **theirs) == set()
    assert carrying("logs:PutLogEvents", there.arn("logs", "log-group:a"), SOMEBODY, aws__ResourceAccount=there.number) == carrying("*", "*", SOMEBODY) == set()
    add_on, owner = f"arn:aws:ecr:{there.region}:759879836304:repository/eks/coredns", {"aws__ResourceAccount": "759879836304"}
    assert carrying("ecr:BatchGetImage", add_on, **owner) == {"ecr-api", "ecr-dkr"}
    assert carrying("ecr:PutImage", add_on, **owner) == carrying("ecr:BatchGetImage", add_on, SOMEBODY, **owner) == set()
    assert carrying("ecr:BatchGetImage", add_on.replace("759879836304", SOMEBODY), **theirs) == set()
