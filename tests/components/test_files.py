"""Shared files of a happy prod, from the file system to the claims of pods, and those of a team."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.config import naming
from infra.config.load import load_environment
from tests.components.test_network_and_cluster import last
from tests.config.test_load import copied
from tests.config.test_teams import RISK
from tests.stacks.world import UNKNOWN, World, nothing_yet, run

Prod = Callable[[str], World]
ZONES = ["me-central-1a", "me-central-1b", "me-central-1c"]


def test_files_are_under_the_key_of_personal_data_and_nobody_can_lose_them(prod: Prod) -> None:
    system = prod("foundation").one("FileSystem", "files")
    assert {name: value for name, value in system.inputs.items() if name not in ("tags", "kmsKeyId")} == {
        "creationToken": "falaj-prod-files",
        "encrypted": True,
        "performanceMode": "generalPurpose",
        "throughputMode": "elastic",
        "lifecyclePolicies": [{"transitionToIa": "AFTER_30_DAYS"}, {"transitionToPrimaryStorageClass": "AFTER_1_ACCESS"}],
    }
    assert (system.protect, last(system.refers["kmsKeyId"]), system.inputs["tags"]["data-class"]) == (True, ["keys-personal"], "personal")
    assert prod("foundation").one("BackupPolicy", "files").inputs["backupPolicy"] == {"status": "DISABLED"}


def test_every_zone_has_a_target_that_only_the_nodes_reach(prod: Prod) -> None:
    foundation, rules = prod("foundation"), prod("cluster").of("SecurityGroupIngressRule")
    targets = {name: (last(each.refers["subnetId"]), last(each.refers["securityGroups"])) for name, each in foundation.of("MountTarget").items()}
    assert targets == {f"files-{zone}": ([f"network-nodes-{zone}"], ["files"]) for zone in ZONES}
    group = foundation.one("SecurityGroup", "files").inputs
    assert "ingress" not in group and "egress" not in group
    assert {name: [each.inputs.get(key) for key in ("ipProtocol", "fromPort", "toPort", "cidrIpv4")] for name, each in rules.items()} == {
        "files": ["tcp", 2049, 2049, None]
    }
    assert last(rules["files"].refers["referencedSecurityGroupId"]) == ["cluster"]


def test_each_volume_is_a_folder_of_one_user_of_its_own(prod: Prod) -> None:
    found = {name: (each.inputs["posixUser"], each.inputs["rootDirectory"]) for name, each in prod("foundation").of("AccessPoint").items()}
    users = {name: naming.posix_user(name) for name in ("work", "requests")}
    assert found == {
        name: ({"uid": user, "gid": user}, {"path": f"/{name}", "creationInfo": {"ownerUid": user, "ownerGid": user, "permissions": "0700"}})
        for name, user in users.items()
    }
    # For ever: whoever owns a file on a volume is written on it.
    assert users == {"work": 157_662, "requests": 15_595_746}


def test_the_driver_on_the_nodes_has_an_identity_and_its_controller_has_none(prod: Prod) -> None:
    cluster = prod("cluster")
    bound = cluster.one("PodIdentityAssociation", "files").inputs
    assert (bound["namespace"], bound["serviceAccount"]) == ("kube-system", "efs-csi-node-sa")
    assert "podIdentityAssociations" not in cluster.one("Addon", "aws-efs-csi-driver").inputs
    assert [name for name in cluster.of("RolePolicyAttachment") if name.startswith("aws-efs")] == []
    (allowed,) = json.loads(cluster.one("RolePolicy", "aws-efs-csi-driver-mounts").inputs["policy"])["Statement"]
    assert allowed["Action"] == ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]


def test_a_claim_has_the_volume_that_is_made_for_it_and_nobody_elses(falaj_home: Path) -> None:
    upstream = nothing_yet("platform")
    upstream["foundation"]["volumes"] = {"work": "fs-1::fsap-1", "requests": "fs-1::fsap-2"}
    world = run("platform", "prod", upstream=upstream)
    assert world.one("PersistentVolume", "work").inputs["spec"] == {
        "capacity": {"storage": "500Gi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "efs",
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": "work", "namespace": "training"},
        "mountOptions": ["tls", "iam"],
        "csi": {"driver": "efs.csi.aws.com", "volumeHandle": "fs-1::fsap-1"},
    }
    claims = {name: (each.inputs["spec"]["storageClassName"], each.inputs["spec"]["volumeName"]) for name, each in world.of("PersistentVolumeClaim").items()}
    assert claims == {"work": ("efs", "training-work"), "requests": ("efs", "inference-requests")}
    assert world.one("PersistentVolume", "requests").inputs["spec"]["csi"]["volumeHandle"] == "fs-1::fsap-2"
    said = {name: each.inputs["metadata"]["labels"] for name, each in world.of("PersistentVolumeClaim").items()}
    assert said == dict.fromkeys(claims, {"falaj/rto": "8h", "falaj/rpo": "24h"})


def test_a_claim_of_one_nodes_disk_is_made_as_it_is_used(made: Callable[[str, str], World]) -> None:
    world = made("platform", "dev")
    spec = world.one("PersistentVolumeClaim", "work").inputs["spec"]
    assert (spec["storageClassName"], "volumeName" in spec, sorted(world.of("PersistentVolume"))) == ("gp3", False, ["requests"])


def test_disks_are_encrypted_and_the_default(prod: Prod) -> None:
    classes = prod("platform").of("StorageClass")
    disks = {name: value for name, value in classes["gp3"].inputs.items() if name not in ("apiVersion", "kind")}
    assert disks == {
        "metadata": {"name": "gp3", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "ebs.csi.aws.com",
        "parameters": {"type": "gp3", "encrypted": "true", "kmsKeyId": "arn:aws:kms:me-central-1:333333333333:alias/falaj-prod-personal"},
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
        "reclaimPolicy": "Delete",
    }
    assert (classes["efs"].inputs["reclaimPolicy"], "parameters" in classes["efs"].inputs) == ("Retain", False)
    assert prod("platform").of("VolumeSnapshotClass") == {}


def test_snapshots_have_a_class_where_they_are_asked_for(falaj_home: Path) -> None:
    made = run("platform", "prod", config={"snapshots": True}).one("VolumeSnapshotClass", "storage-snapshots").inputs
    assert (made["driver"], made["deletionPolicy"], made["metadata"]) == ("ebs.csi.aws.com", "Delete", {"name": "gp3"})


def test_a_team_has_files_of_its_own_under_its_own_key(falaj_home: Path) -> None:
    foundation, platform = (run(stack, "prod", config={"teams": [RISK]}) for stack in ("foundation", "platform"))
    assert {name: last(each.refers["kmsKeyId"]) for name, each in foundation.of("FileSystem").items()} == {
        "files": ["keys-personal"],
        "risk-files": ["risk-keys-personal"],
    }
    assert {name: last(each.refers["fileSystemId"]) for name, each in foundation.of("AccessPoint").items()} == {
        **{name: ["files"] for name in ("work", "requests")},
        **{f"risk-{name}": ["risk-files"] for name in ("work", "requests")},
    }
    assert len({each.inputs["posixUser"]["uid"] for each in foundation.of("AccessPoint").values()}) == 4
    bound = {name: each.inputs["spec"]["claimRef"]["namespace"] for name, each in platform.of("PersistentVolume").items()}
    assert bound == {"work": "training", "requests": "inference", "risk-work": "risk-training", "risk-requests": "risk-inference"}
    assert foundation.outputs["volumes"] == UNKNOWN


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("{name: work, size: 500Gi, shared: true, storage_class: efs}", "{name: work, size: 500Gi, storage_class: efs}", "work is for one node"),
        ("{name: requests, size: 200Gi,", "{name: letters, size: 200Gi,", "letters has no volume"),
        ("falaj:network_cidr", "falaj:snapshots: true\n  falaj:network_cidr", "snapshots: the cluster has no snapshot-controller"),
    ],
)
def test_what_no_volume_is_made_for_is_refused(tmp_path: Path, before: str, after: str, what: str) -> None:
    stacks = copied(tmp_path, "prod")
    path = stacks / "platform" / "Pulumi.prod.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    with pytest.raises(UsageError, match=what):
        load_environment("prod", stacks)


def test_users_of_volumes_are_no_bodys_else() -> None:
    users: dict[int, Any] = {naming.posix_user(naming.of_team(volume, team)): team for team in ("", "a", "risk", "service") for volume in ("work", "requests")}
    assert len(users) == 8 and min(users) > 100_000
