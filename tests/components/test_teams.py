"""Two teams in a happy prod: each has everything of its own, and nobody has anything of the other's."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.config.test_teams import RISK, SERVICE
from tests.stacks.world import World, run

CLOSED = {
    "podSelector": {},
    "policyTypes": ["Ingress", "Egress"],
}


@cache
def _shared(stack: str) -> World:
    return run(stack, "prod", config={"teams": [RISK, SERVICE]})


@pytest.fixture
def shared(falaj_home: Path) -> Any:
    """What a stack registers where risk and service share prod. Read only."""
    return _shared


def of(world: World, kind: str, team: str) -> set[str]:
    """Names of a kind that are the team's, without the team."""
    return {name.removeprefix(f"{team}-") for name in world.of(kind) if name.startswith(f"{team}-")}


@pytest.mark.parametrize("team", ["risk", "service"])
def test_a_team_has_keys_buckets_and_repositories_of_its_own(shared: Any, team: str) -> None:
    world = shared("foundation")
    assert of(world, "Key", team) == of(world, "Alias", team) == {"keys-confidential", "keys-personal"}
    assert of(world, "Bucket", team) == {"data", "artifacts"}
    assert of(world, "Repository", team) == {"falaj-train", "falaj-serve"}
    assert world.one("Bucket", f"{team}-data").inputs["bucket"] == f"falaj-prod-{team}-data-333333333333"
    assert world.one("Alias", f"{team}-keys-personal").inputs["name"] == f"alias/falaj-prod-{team}-personal"
    encrypted = {name: each.refers["rules"] for name, each in world.of("BucketServerSideEncryptionConfiguration").items() if name.startswith(team)}
    assert {name: [urn.rsplit("::", 1)[-1] for urn in urns] for name, urns in encrypted.items()} == {
        f"{team}-data": [f"{team}-keys-personal"],
        f"{team}-artifacts": [f"{team}-keys-confidential"],
    }


def test_what_a_team_has_says_whose_it_is(shared: Any) -> None:
    for stack, least in (("foundation", 7), ("cluster", 5)):
        found = [each for each in shared(stack).custom if each.name.startswith("risk-") and "tags" in each.inputs]
        assert len(found) >= least
        said = {(each.inputs["tags"]["owner"], each.inputs["tags"].get("team")) for each in found}
        assert said == {("risk", "risk")}


def test_no_service_may_use_a_teams_key(shared: Any) -> None:
    policy = json.loads(shared("foundation").one("Key", "risk-keys-personal").inputs["policy"])
    assert [(each["Sid"], each["Principal"]) for each in policy["Statement"]] == [("Account", {"AWS": "arn:aws:iam::333333333333:root"})]


def test_a_teams_artifacts_are_backed_up_and_its_objects_recorded(shared: Any) -> None:
    world = shared("foundation")
    kept = {name: f"arn:aws:s3:::falaj-prod-{name}-333333333333" for name in ("state", "artifacts", "risk-artifacts", "service-artifacts")}
    assert world.one("Selection", "backups").inputs["resources"] == list(kept.values())
    selectors = world.one("Trail", "trail").inputs["advancedEventSelectors"][1]["fieldSelectors"]
    (recorded,) = (each["startsWiths"] for each in selectors if each["field"] == "resources.ARN")
    assert [each for each in recorded if "risk" in each] == [f"arn:aws:s3:::falaj-prod-risk-{name}-333333333333/" for name in ("data", "artifacts")]


def test_only_a_teams_people_take_its_role(shared: Any) -> None:
    trust = json.loads(shared("foundation").one("Role", "risk-engineer").inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Principal"] == {"AWS": RISK["people"]}


def test_a_teams_people_enter_its_namespaces_only(shared: Any) -> None:
    world = shared("cluster")
    entry, given = world.one("AccessEntry", "risk-engineer"), world.one("AccessPolicyAssociation", "risk-engineer")
    assert entry.inputs["kubernetesGroups"] == ["falaj:team:risk"]
    assert given.inputs["accessScope"] == {"type": "namespace", "namespaces": ["risk-training", "risk-inference"]}


def test_a_teams_pods_reach_its_own_buckets_under_its_own_keys(shared: Any) -> None:
    world = shared("cluster")
    assert of(world, "PodIdentityAssociation", "risk") == {"training", "inference"}
    text = world.one("RolePolicy", "risk-training-buckets").inputs["policy"]
    resources = {each for one in json.loads(text)["Statement"] for each in one["Resource"] if ":s3:::" in each}
    assert {each.split(":::")[1].split("/")[0] for each in resources} == {f"falaj-prod-risk-{name}-333333333333" for name in ("data", "artifacts")}
    aliases = {one["Condition"]["ForAnyValue:StringEquals"]["kms:ResourceAliases"] for one in json.loads(text)["Statement"] if "Condition" in one}
    assert aliases == {"alias/falaj-prod-risk-personal", "alias/falaj-prod-risk-confidential"}


@pytest.mark.parametrize("room", ["risk-training", "risk-inference"])
def test_a_teams_namespaces_are_closed_bounded_and_its_own(shared: Any, room: str) -> None:
    world = shared("platform")
    assert world.one("Namespace", room).inputs["metadata"]["labels"]["falaj/owner"] == "risk"
    assert world.one("NetworkPolicy", f"{room}-default-deny").inputs["spec"] == CLOSED
    assert {room} <= set(world.of("ResourceQuota")) & set(world.of("LimitRange"))
    assert world.one("ServiceAccount", room).inputs["automountServiceAccountToken"] is False
    subjects = [each["name"] for each in world.one("RoleBinding", f"{room}-operators").inputs["subjects"]]
    assert subjects == ["falaj:operators", "falaj:team:risk"]


def test_a_teams_servers_answer_its_own_namespaces_only(shared: Any) -> None:
    asked = {name: each.inputs["spec"]["ingress"][0]["from"] for name, each in shared("platform").of("NetworkPolicy").items() if name.endswith("requests")}
    assert asked == {
        "inference-allow-requests": [{"namespaceSelector": {}}],
        "risk-inference-allow-requests": [{"namespaceSelector": {"matchLabels": {"falaj/owner": "risk"}}}],
        "service-inference-allow-requests": [{"namespaceSelector": {"matchLabels": {"falaj/owner": "service"}}}],
    }


def test_nobody_but_operators_works_in_the_environments_own_namespaces(shared: Any) -> None:
    assert [each["name"] for each in shared("platform").one("RoleBinding", "training-operators").inputs["subjects"]] == ["falaj:operators"]


def test_later_stacks_are_told_what_teams_have(shared: Any) -> None:
    assert {"risk-training", "risk-inference"} <= set(shared("platform").outputs["service_accounts"])
    assert {"work", "requests", "risk-work", "risk-requests"} <= set(shared("platform").outputs["claims"])


def test_without_teams_boundaries_say_nothing_of_any(shared: Any, prod: Any) -> None:
    alone, teams = (world("foundation").one("Policy", "boundaries-workloads").inputs["policy"] for world in (prod, shared))
    assert "PrincipalTag" not in alone and "${aws:PrincipalTag/team}-data" in teams
    # Longer ones IAM does not take, white space left aside.
    assert max(len("".join(shared("foundation").one("Policy", name).inputs["policy"].split())) for name in shared("foundation").of("Policy")) <= 6144
