"""Secrets from the cloud's store and certificates of one's own, in a happy prod that asks for them, and one fact changed."""

from __future__ import annotations

import json
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
from tests.config.test_load import copied
from tests.stacks.world import manifests, run

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
