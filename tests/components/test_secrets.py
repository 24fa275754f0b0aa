"""Secrets from the cloud's store and certificates of one's own, in a happy prod that asks for them, and one fact changed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.components import policies
from infra.components.boundaries import services
from infra.config.load import load_environment
from infra.sandbox.kubernetes.status import ApiError
from infra.sandbox.kubernetes.validation import validate
from tests.components.test_network_and_cluster import last
from tests.config.test_load import copied, refusal
from tests.config.test_teams import RISK
from tests.stacks.world import World, manifests, run

EXTERNAL = {"secrets": "external"}


def test_operators_bring_secrets_where_nobody_asks_for_more(prod: Any) -> None:
    assert [each.name for each in prod("foundation").custom if each.type == "aws:secretsmanager/secret:Secret"] == []
    assert "external-secrets" not in prod("cluster").of("Role") and prod("platform").of("ExternalSecret") == {}


def test_each_secret_has_an_empty_place_under_our_key(falaj_home: Path) -> None:
    world = run("foundation", "prod", config=EXTERNAL)
    found = {each.name: each for each in world.custom if each.type == "aws:secretsmanager/secret:Secret"}
    assert {name: (each.inputs["name"], last(each.refers["kmsKeyId"]), each.protect) for name, each in found.items()} == {
        name: (f"falaj-prod/{name}", ["keys-confidential"], True) for name in ("tune-storage", "release-signing")
    }
    assert not [each for each in world.custom if "SecretVersion" in each.type]


def test_a_database_of_our_own_has_a_place_for_what_searches_are_told(falaj_home: Path) -> None:
    world = run("foundation", "prod", config={"tracking": "server"})
    assert [each.name for each in world.custom if each.type == "aws:secretsmanager/secret:Secret"] == ["tune-storage"]


def test_the_controller_reads_below_one_prefix_and_nothing_else(falaj_home: Path) -> None:
    world = run("cluster", "prod", config=EXTERNAL)
    bound = world.one("PodIdentityAssociation", "secrets").inputs
    assert (bound["namespace"], bound["serviceAccount"]) == ("external-secrets", "external-secrets")
    reads, key = json.loads(world.one("RolePolicy", "external-secrets-secrets").inputs["policy"])["Statement"]
    assert (reads["Action"], reads["Resource"]) == (
        ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
        ["arn:aws:secretsmanager:me-central-1:333333333333:secret:falaj-prod/*-??????"],
    )
    assert key["Condition"]["StringEquals"] == {"kms:ViaService": "secretsmanager.me-central-1.amazonaws.com"}
    config = load_environment("prod").cluster.model_copy(update=EXTERNAL)
    most = json.loads(services(config))["Statement"]
    assert [each for each in most if each["Sid"] in ("Secrets", "SecretsKey")] == json.loads(policies.secrets_policy(config))["Statement"]
    assert len("".join(services(config).split())) <= 6144


def test_secrets_come_to_the_training_namespace_alone_and_name_no_credential(falaj_home: Path) -> None:
    world = run("platform", "prod", config=EXTERNAL)
    store = world.one("ClusterSecretStore", "secrets").inputs["spec"]
    assert store == {"provider": {"aws": {"service": "SecretsManager", "region": "me-central-1"}}, "conditions": [{"namespaces": ["training"]}]}
    brought = {name: each.inputs for name, each in world.of("ExternalSecret").items()}
    assert {(each["metadata"]["namespace"], each["spec"]["target"]["name"]) for each in brought.values()} == {
        ("training", "tune-storage"),
        ("training", "release-signing"),
    }
    assert brought["secrets-release-signing"]["spec"]["dataFrom"] == [{"extract": {"key": "falaj-prod/release-signing"}}]


RISKS = {**EXTERNAL, "teams": [{**RISK, "secrets": ["hub-token"]}]}


@cache
def _risks(stack: str) -> World:
    return run(stack, "prod", config=RISKS)


@pytest.fixture
def risks(falaj_home: Path) -> Any:
    """What a stack registers where a team has a secret of its own. Read only."""
    return _risks


def test_a_teams_secret_has_an_empty_place_of_its_own_under_the_teams_key(risks: Any) -> None:
    world = risks("foundation")
    place = next(each for each in world.custom if each.name == "risk-hub-token")
    assert (place.inputs["name"], last(place.refers["kmsKeyId"]), place.inputs["tags"]["team"]) == (
        "falaj-prod-risk/hub-token",
        ["risk-keys-confidential"],
        "risk",
    )


def test_a_teams_secrets_are_read_in_a_role_that_reads_no_others(risks: Any) -> None:
    world = risks("cluster")
    reads, key = json.loads(world.one("RolePolicy", "risk-secrets-secrets").inputs["policy"])["Statement"]
    assert reads["Resource"] == ["arn:aws:secretsmanager:me-central-1:333333333333:secret:falaj-prod-risk/*-??????"]
    assert key["Condition"]["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": "alias/falaj-prod-risk-confidential"}
    (taken,) = json.loads(world.one("RolePolicy", "external-secrets-teams").inputs["policy"])["Statement"]
    assert taken["Resource"] == ["arn:aws:iam::333333333333:role/falaj-prod-risk-secrets"]


def test_the_boundaries_have_room_for_teams_secrets(risks: Any) -> None:
    policies = risks("foundation").of("Policy")
    assert "falaj-prod-${aws:PrincipalTag/team}/*-??????" in policies["boundaries-workloads"].inputs["policy"]
    assert max(len("".join(each.inputs["policy"].split())) for each in policies.values()) <= 6144


def test_a_teams_secrets_come_to_its_own_namespace_by_its_own_store(risks: Any) -> None:
    world = risks("platform")
    store, brought = world.one("SecretStore", "secrets-risk").inputs, world.one("ExternalSecret", "secrets-risk-hub-token").inputs
    assert store["metadata"] == {"name": "falaj", "namespace": "risk-training"}
    assert store["spec"]["provider"]["aws"]["role"] == "arn:aws:iam::333333333333:role/falaj-prod-risk-secrets"
    assert (brought["metadata"], brought["spec"]["secretStoreRef"]) == (
        {"name": "hub-token", "namespace": "risk-training"},
        {"kind": "SecretStore", "name": "falaj"},
    )
    assert brought["spec"]["dataFrom"] == [{"extract": {"key": "falaj-prod-risk/hub-token"}}]
    for each in (store, brought):
        validate(each)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"teams": RISKS["teams"]}, "teams.0.secrets: team risk has some, and nobody brings them"),
        ({**EXTERNAL, "teams": [{**RISK, "secrets": ["a", "a"]}]}, "teams.0.secrets: team risk names one twice"),
    ],
)
def test_secrets_of_a_team_that_cannot_come_are_refused(changes: dict[str, Any], what: str) -> None:
    assert refusal("foundation", **changes)["what"] == what


def test_certificates_come_from_an_authority_of_our_own(falaj_home: Path) -> None:
    world = run("platform", "prod", config={"certificates": True})
    issuers = {name: each.inputs["spec"] for name, each in world.of("ClusterIssuer").items()}
    assert issuers == {"certificates-beginning": {"selfSigned": {}}, "certificates": {"ca": {"secretName": "falaj-authority"}}}
    authority = world.one("Certificate", "certificates-authority").inputs
    assert (authority["metadata"]["namespace"], authority["spec"]["isCA"], authority["spec"]["issuerRef"]["name"]) == ("cert-manager", True, "falaj-beginning")


def test_every_object_has_fields_that_its_controller_knows(falaj_home: Path) -> None:
    objects = manifests(run("platform", "prod", config={**EXTERNAL, "certificates": True, "snapshots": True}))
    kinds = {"ClusterSecretStore", "ExternalSecret", "ClusterIssuer", "Certificate", "VolumeSnapshotClass", "StorageClass"}
    found = [each for each in objects.values() if each["kind"] in kinds]
    assert {each["kind"] for each in found} == kinds
    for each in found:
        validate(each)
    wrong = next(each for each in found if each["kind"] == "ExternalSecret")
    wrong["spec"]["secretStore"] = wrong["spec"].pop("secretStoreRef")
    with pytest.raises(ApiError, match="secretStore"):
        validate(wrong)


def test_certificates_without_the_add_on_are_refused(tmp_path: Path) -> None:
    stacks = copied(tmp_path, "prod")
    path = stacks / "platform" / "Pulumi.prod.yaml"
    path.write_text(path.read_text() + "  falaj:certificates: true\n")
    with pytest.raises(UsageError, match="certificates: the cluster has no cert-manager"):
        load_environment("prod", stacks)
    cluster = stacks / "cluster" / "Pulumi.prod.yaml"
    cluster.write_text(cluster.read_text() + "  falaj:more_addons: {cert-manager: v1.18.2-eksbuild.1}\n")
    assert load_environment("prod", stacks).platform.certificates
