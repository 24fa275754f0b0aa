"""Every stack plans in every environment, from nothing, asking nobody; its logical names are an interface."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from falaj.home import ROOT
from infra.config.load import stacks_of
from infra.config.model import ENVIRONMENTS, SITES
from infra.config.regions import regions
from tests.stacks.world import STACKS, UNKNOWN, Recorded, World, nothing_yet, run

Made = Callable[[str, str], World]
GOLDEN = ROOT / "tests" / "golden" / "urns"
EVERYWHERE = [(stack, environment) for environment in (*ENVIRONMENTS, *SITES) for stack in stacks_of(environment)]
REQUIRED_TAGS = {"owner", "environment", "data-class", "purpose", "legal-basis", "retention"}


@pytest.mark.parametrize(("stack", "environment"), EVERYWHERE)
def test_the_logical_names_are_those_that_are_written_down(made: Made, stack: str, environment: str) -> None:
    """Renaming a resource deletes it and what it holds: change the list only together with aliases, or knowing that."""
    found = sorted(each.urn for each in made(stack, environment).resources)
    path = GOLDEN / environment / f"{stack}.json"
    if os.environ.get("FALAJ_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n")
    written = json.loads(path.read_text()) if path.exists() else []
    assert found == written, f"names have changed; where that is meant: FALAJ_GOLDEN=write .venv/bin/python -m pytest {Path(__file__).relative_to(ROOT)}"


def test_the_stacks_of_prod_have_as_many_resources_as_plans_of_it_are_measured_on() -> None:
    """`falaj bench plan` is about at least 250 of them; docs/architecture.md says how many there are."""
    found = [urn for stack in STACKS for urn in json.loads((GOLDEN / "prod" / f"{stack}.json").read_text())]
    custom = [urn for urn in found if not urn.split("::")[2].rpartition("$")[2].startswith("falaj:")]
    assert len(found) >= 250
    # Plans count the stacks themselves, which programs do not register.
    said = f"plan and gate of prod, four stacks, {len(found) + len(STACKS)} resources ({len(custom)} without components and stacks), embedded engine"
    assert said in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("stack", "environment"), EVERYWHERE)
def test_every_resource_has_a_provider_that_the_program_made(made: Made, stack: str, environment: str) -> None:
    world = made(stack, environment)
    own = [each.urn for each in world.resources if each.type.startswith("pulumi:providers:")]
    assert len(own) == 1 and len(world.custom) > 10
    assert [each.urn for each in world.custom if each.urn != own[0] and not each.provider.startswith(own[0] + "::")] == []


@pytest.mark.parametrize(("stack", "environment"), EVERYWHERE)
def test_every_custom_resource_lies_in_a_component(made: Made, stack: str, environment: str) -> None:
    loose = [each.urn for each in made(stack, environment).custom if "falaj:" not in each.urn and not each.type.startswith("pulumi:providers:")]
    assert loose == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("stack", ["foundation", "cluster"])
def test_everything_that_takes_tags_says_whose_it_is(made: Made, stack: str, environment: str) -> None:
    tagged = [each for each in made(stack, environment).custom if "tags" in each.inputs]
    assert {each.type for each in tagged} >= ({"aws:s3/bucket:Bucket", "aws:kms/key:Key"} if stack == "foundation" else {"aws:eks/cluster:Cluster"})
    assert [each.urn for each in tagged if not set(each.inputs["tags"]) >= REQUIRED_TAGS or each.inputs["tags"]["environment"] != environment] == []


UNTAGGABLE = {
    "Alias",
    "BucketVersioning",
    "BucketServerSideEncryptionConfiguration",
    "BucketPublicAccessBlock",
    "BucketOwnershipControls",
    "BucketPolicy",
    "BucketLifecycleConfiguration",
    "BucketObjectLockConfiguration",
    "RouteTableAssociation",
    "LifecyclePolicy",
    "RolePolicy",
    "RolePolicyAttachment",
    "AccessPolicyAssociation",
    "DetectorFeature",
    "Recorder",
    "RecorderStatus",
    "DeliveryChannel",
    "RetentionConfiguration",
    "Account",
    "VaultLockConfiguration",
    "Selection",
    "BackupPolicy",
    "FileSystemPolicy",
    "MountTarget",
    "aws",
}


@pytest.mark.parametrize("stack", ["foundation", "cluster"])
def test_what_has_no_tags_is_what_cannot_have_any(prod: Callable[[str], World], stack: str) -> None:
    assert {kind(each) for each in prod(stack).custom if "tags" not in each.inputs} <= UNTAGGABLE


def kind(resource: Recorded) -> str:
    return resource.type.rsplit(":", 1)[-1]


@pytest.mark.parametrize("stack", STACKS)
def test_environments_differ_in_size_and_never_in_kind(made: Made, stack: str) -> None:
    kinds = [{kind(each) for each in made(stack, environment).resources} for environment in ENVIRONMENTS]
    assert all(each == kinds[0] for each in kinds)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_provider_is_pinned_to_region_and_account(made: Made, environment: str) -> None:
    for stack in ("foundation", "cluster"):
        inputs = made(stack, environment).one("aws", "aws").inputs
        account = json.loads(inputs["allowedAccountIds"])
        assert inputs["region"] == "me-central-1" and len(account) == 1


@pytest.mark.parametrize("stack", ["foundation", "cluster"])
def test_no_resource_names_a_region_of_its_own(prod: Callable[[str], World], stack: str) -> None:
    assert [each.urn for each in prod(stack).custom if "region" in each.inputs and kind(each) != "aws"] == []


def test_subnets_and_endpoints_exist_in_the_region_only(prod: Callable[[str], World]) -> None:
    world = prod("foundation")
    zones = {each.inputs["availabilityZone"] for each in world.of("Subnet").values()}
    assert zones == set(regions().regions["me-central-1"].zones)
    assert all(each.inputs["serviceName"].startswith("com.amazonaws.me-central-1.") for each in world.of("VpcEndpoint").values())


@pytest.mark.parametrize("stack", STACKS[1:])
def test_an_output_of_an_earlier_stack_that_is_missing_is_named(falaj_home: Path, stack: str) -> None:
    upstream = nothing_yet(stack)
    below, name = {"cluster": ("foundation", "key_arns"), "platform": ("cluster", "endpoint"), "workloads": ("platform", "claims")}[stack]
    upstream[below] = {key: value for key, value in upstream[below].items() if key != name}
    with pytest.raises(Exception, match=f"stack {below} has no output '{name}'"):
        run(stack, "prod", upstream=upstream)


def test_another_version_of_a_contract_is_refused(falaj_home: Path) -> None:
    upstream = nothing_yet("cluster")
    upstream["foundation"] |= {"contract": "falaj.foundation/2", "vpc_id": "vpc-1"}
    with pytest.raises(Exception, match="stack foundation publishes another contract"):
        run("cluster", "prod", upstream=upstream)


def test_an_output_of_another_form_is_refused(falaj_home: Path) -> None:
    upstream = nothing_yet("cluster")
    upstream["foundation"]["node_subnet_ids"] = "subnet-1"
    with pytest.raises(Exception, match="output 'node_subnet_ids' of stack foundation has another form"):
        run("cluster", "prod", upstream=upstream)


def test_what_an_earlier_stack_already_knows_is_known(falaj_home: Path) -> None:
    upstream = nothing_yet("workloads")
    upstream["foundation"]["bucket_names"] = {"data": "falaj-prod-data", "artifacts": "falaj-prod-artifacts"}
    upstream["platform"]["claims"] = {"work": "work", "requests": UNKNOWN}
    world = run("workloads", "prod", upstream=upstream)
    assert world.outputs["releases"] == "s3://falaj-prod-artifacts/releases"


def test_an_unreadable_file_of_planned_outputs_is_refused(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from falaj.errors import UsageError
    from infra.components.contracts import _planned

    monkeypatch.setenv("FALAJ_UPSTREAM", str(falaj_home / "nothing.json"))
    with pytest.raises(UsageError, match="the file of planned outputs cannot be read"):
        _planned("foundation")


def test_programs_stay_short() -> None:
    assert {stack: lines for stack in STACKS if (lines := len((ROOT / "stacks" / stack / "__main__.py").read_text().splitlines())) >= 40} == {}


def test_the_stacks_publish_their_contract(prod: Callable[[str], World]) -> None:
    assert {stack: prod(stack).outputs["contract"] for stack in STACKS} == {stack: f"falaj.{stack}/1" for stack in STACKS}


def test_no_output_carries_a_credential(prod: Callable[[str], World]) -> None:
    names = {name for stack in STACKS for name in prod(stack).outputs}
    assert not {name for name in names if any(word in name for word in ("kubeconfig", "token", "password", "secret"))}
