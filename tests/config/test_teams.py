"""One list of teams, and what must be right of it and of the stacks together before anything is planned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from falaj.errors import Exit, UsageError
from infra.config import naming
from infra.config.load import load_environment, parse
from infra.config.machines import Machine, machine
from infra.config.model import MODELS
from infra.config.regions import regions
from infra.config.teams import access_of, buckets_of, classes_of, rooms
from tests.config.test_load import copied, happy, refusal

RISK = {
    "name": "risk",
    "people": ["arn:aws:iam::999999999999:role/risk"],
    "training": {"cpu": "16", "memory": "64Gi", "gpus": 1, "pods": 20},
    "inference": {"cpu": "8", "memory": "16Gi", "pods": 20},
}
SERVICE = {**RISK, "name": "service"}


def together(folder: Path, stack: str, **changes: Any) -> dict[str, str]:
    """What is said of prod with some keys of one stack changed; where `teams` are among them, of all."""
    stacks = copied(folder, "prod")
    for each in MODELS if "teams" in changes else [stack]:
        path = stacks / each / "Pulumi.prod.yaml"
        config = yaml.safe_load(path.read_text())
        config["config"] |= {f"falaj:{key}": value for key, value in changes.items()}
        path.write_text(yaml.safe_dump(config))
    with pytest.raises(UsageError) as caught:
        load_environment("prod", stacks)
    assert caught.value.exit_code is Exit.USAGE
    return {"what": caught.value.what, **{key: text.replace(f"{stacks}/", "") for key, text in caught.value.answers().items()}}


def test_a_team_has_rooms_buckets_keys_and_people_of_its_own() -> None:
    config: Any = parse("platform", "prod", happy("platform", teams=[RISK]))
    assert [(room.name, room.purpose, room.team, room.quota.gpus) for room in rooms(config)] == [
        ("training", "training", "", 8),
        ("inference", "inference", "", 0),
        ("risk-training", "training", "risk", 1),
        ("risk-inference", "inference", "risk", 0),
    ]
    assert [(claim.name, claim.size, claim.storage_class) for room in rooms(config)[2:] for claim in room.claims] == [
        ("work", "100Gi", "efs"),
        ("requests", "20Gi", "efs"),
    ]
    (team,) = config.teams
    assert [(bucket.name, bucket.kind, bucket.data_class) for bucket in buckets_of(team)] == [
        ("risk-data", "data", "personal"),
        ("risk-artifacts", "artifacts", "confidential"),
    ]
    assert classes_of(team) == ("confidential", "personal")
    entry = access_of(team)
    assert (entry.role, entry.policy, entry.namespaces, entry.groups) == (
        "risk-engineer",
        "AmazonEKSViewPolicy",
        ("risk-training", "risk-inference"),
        ("falaj:team:risk",),
    )


def test_the_longest_team_still_fits_into_every_name() -> None:
    team = "a" * 20
    config: Any = parse("foundation", "staging", happy("foundation", "staging", teams=[{**RISK, "name": team}]))
    assert max(len(naming.bucket_name(config, bucket.name)) for bucket in buckets_of(config.teams[0])) <= 63
    assert len(naming.role_name(config, naming.of_team("inference", team))) <= 64


@pytest.mark.parametrize("stack", MODELS)
def test_a_team_that_stands_twice_is_refused(stack: str) -> None:
    assert refusal(stack, teams=[RISK, SERVICE, RISK]) == {
        "what": "teams.2.name: team risk stands there twice",
        "given": f"stacks/{stack}/Pulumi.prod.yaml, key falaj:teams.2.name",
        "allowed": "a name of its own for each team",
        "why": "two entries would make the same buckets, roles and namespaces",
        "next": "make one entry of the two, or rename one",
    }


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"name": "training"}, "teams.0.name: 'training' cannot be a team's name"),
        ({"name": "restored"}, "teams.0.name: 'restored' cannot be a team's name"),
        ({"name": "fraud-desk"}, "teams.0.name: 'fraud-desk' cannot be used"),
        ({"people": []}, "teams.0.people: team risk has none"),
        ({"people": ["everybody"]}, "teams.0.people.0: 'everybody' cannot be used"),
        ({"training": {"cpu": "16"}}, "teams.0.training.memory: it is missing"),
        ({"gpus": 1}, "teams.0.gpus: there is no such key"),
    ],
)
def test_a_team_that_cannot_be_is_refused(change: dict[str, Any], what: str) -> None:
    assert refusal("foundation", teams=[{**RISK, **change}])["what"] == what


def test_a_quota_beyond_what_the_pools_ever_have_is_refused(tmp_path: Path) -> None:
    assert together(tmp_path, "platform", teams=[{**RISK, "training": {"cpu": "16", "memory": "64Gi", "gpus": 9}}]) == {
        "what": "teams(risk).training.gpus: namespace risk-training may ask for more than its pools ever have",
        "given": "stacks/platform/Pulumi.prod.yaml, key falaj:teams(risk).training.gpus: 9".replace("stacks/", ""),
        "allowed": "at most 8: pools gpu (up to 8), inference (up to 12)",
        "why": "pods within their quota would wait for nodes that never come",
        "next": "lower the quota, or raise the pools' maximum in cluster/Pulumi.prod.yaml",
    }


@pytest.mark.parametrize(("amount", "key"), [({"cpu": "97"}, "cpu"), ({"memory": "385Gi"}, "memory"), ({"gpus": 1}, "gpus")])
def test_a_servers_quota_counts_the_pools_that_servers_run_on(tmp_path: Path, amount: dict[str, Any], key: str) -> None:
    wanted = {**RISK, "inference": {"cpu": "96", "memory": "384Gi", "gpus": 0, **amount}}
    found = together(tmp_path, "platform", teams=[wanted])
    assert found["what"] == f"teams(risk).inference.{key}: namespace risk-inference may ask for more than its pools ever have"
    assert found["allowed"].endswith("pools inference (up to 12)")


def test_services_within_the_network_are_refused(tmp_path: Path) -> None:
    assert together(tmp_path, "cluster", service_cidr="10.40.8.0/21") == {
        "what": "service_cidr: 10.40.8.0/21 and the network 10.40.0.0/16 overlap",
        "given": "cluster/Pulumi.prod.yaml, key falaj:service_cidr; foundation/Pulumi.prod.yaml, key falaj:network.cidr",
        "allowed": "two networks without a common address",
        "why": "an address could be a service's and a machine's at once, and the traffic for one would reach the other",
        "next": "choose another network for the services, such as 172.20.0.0/16",
    }


def test_stages_that_ask_for_a_gpu_where_the_quota_has_none_are_refused(tmp_path: Path) -> None:
    namespaces = happy("platform")["namespaces"]
    namespaces[0]["quota"]["gpus"] = 0
    assert together(tmp_path, "platform", namespaces=namespaces)["what"] == "use_gpu: stages ask for a GPU, and their namespace may have none"


def test_a_gpu_pool_that_may_have_no_node_is_refused() -> None:
    pools = [{**pool, "maximum": 0} if pool["kind"] == "gpu" else pool for pool in happy("cluster")["pools"]]
    found = refusal("cluster", pools=pools)
    assert (found["what"], found["allowed"]) == ("pools.1.maximum: 0 cannot be used", "integer from 1")


def test_an_environment_in_one_zone_is_refused() -> None:
    found = refusal("foundation", zones=["me-central-1a"])
    assert (found["what"], found["allowed"]) == ('zones: ["me-central-1a"] cannot be used', "array with at least 2")


def test_one_file_holds_the_list_for_all_stacks(tmp_path: Path) -> None:
    stacks = copied(tmp_path, "prod")
    for stack in MODELS:
        path = stacks / stack / "Pulumi.prod.yaml"
        path.write_text(path.read_text() + "  falaj:teams: teams.prod.yaml\n")
    (stacks / "teams.prod.yaml").write_text(yaml.safe_dump([RISK, SERVICE]))
    found = load_environment("prod", stacks)
    assert [[team.name for team in config.teams] for config in (found.foundation, found.cluster, found.platform, found.workloads)] == [["risk", "service"]] * 4


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("../teams.yaml", "[]", "teams: '../teams.yaml' cannot be used"),
        ("teams.prod.yaml", None, "teams: teams.prod.yaml cannot be read"),
        ("teams.prod.yaml", "[", "teams: teams.prod.yaml cannot be read"),
        ("teams.prod.yaml", "risk: {}", "teams: teams.prod.yaml holds no list"),
    ],
)
def test_a_file_that_is_no_list_of_teams_is_refused(tmp_path: Path, name: str, content: str | None, what: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UsageError) as caught:
        parse("foundation", "prod", happy("foundation", teams=name), tmp_path)
    assert caught.value.what.replace(f"{tmp_path}/", "") == what


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("m7i.large", Machine(2, 8, 0)),
        ("c7i.2xlarge", Machine(8, 16, 0)),
        ("r8i.xlarge", Machine(4, 32, 0)),
        ("t3.medium", Machine(2, 4, 0)),
        ("g5.2xlarge", Machine(8, 32, 1)),
        ("g5.12xlarge", Machine(48, 192, 4)),
        ("g6e.48xlarge", Machine(192, 1536, 8)),
        ("p5en.48xlarge", Machine(192, 2048, 8)),
    ],
)
def test_a_machine_is_as_large_as_its_name_says(name: str, expected: Machine) -> None:
    assert machine(name) == expected


def test_every_family_of_the_region_has_a_size() -> None:
    known = regions().regions["me-central-1"]
    for family in (*known.gpu, *known.cpu):
        assert machine(f"{family}.{'48xlarge' if family == 'p5en' else 'xlarge'}").memory_gib > 0
    assert all(machine(f"{family}.48xlarge").gpus == 8 for family in known.gpu)
