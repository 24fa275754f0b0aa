"""Cases of shared file systems."""

from __future__ import annotations

import json

from tests.sandbox.aws.cases import Case, Inputs, key
from tests.sandbox.aws.cases_network import group, subnet, vpc
from tests.sandbox.aws.conftest import Driver


def _document(*actions: str) -> str:
    statement = {"Sid": "one", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _system(driver: Driver, name: str = "files") -> str:
    return driver.create("aws:efs/fileSystem:FileSystem", name, {"creationToken": name, "encrypted": True, "kmsKeyId": key(driver).outputs["arn"]}).id


def _target(driver: Driver) -> Inputs:
    network = vpc(driver)
    return {"fileSystemId": _system(driver), "subnetId": subnet(driver, network), "securityGroups": [group(driver, network)]}


FILES = [
    Case(
        "aws:efs/fileSystem:FileSystem",
        lambda driver: {
            "creationToken": "falaj-local-files",
            "encrypted": True,
            "kmsKeyId": key(driver).outputs["arn"],
            "performanceMode": "generalPurpose",
            "throughputMode": "elastic",
            "lifecyclePolicies": [{"transitionToIa": "AFTER_30_DAYS"}, {"transitionToPrimaryStorageClass": "AFTER_1_ACCESS"}],
            "tags": {"part": "files"},
        },
        change={"throughputMode": "bursting", "lifecyclePolicies": [{"transitionToIa": "AFTER_7_DAYS"}], "tags": {"part": "other"}},
        replace={"creationToken": "falaj-local-others"},
        tamper=lambda server, thing: server.client("efs").put_lifecycle_configuration(FileSystemId=thing.id, LifecyclePolicies=[]),
        drift=["lifecyclePolicies"],
    ),
    Case(
        "aws:efs/backupPolicy:BackupPolicy",
        lambda driver: {"fileSystemId": _system(driver), "backupPolicy": {"status": "DISABLED"}},
        change={"backupPolicy": {"status": "ENABLED"}},
        tamper=lambda server, thing: server.client("efs").put_backup_policy(FileSystemId=thing.id, BackupPolicy={"Status": "ENABLED"}),
        drift=["backupPolicy"],
    ),
    Case(
        "aws:efs/fileSystemPolicy:FileSystemPolicy",
        lambda driver: {"fileSystemId": _system(driver), "policy": _document("elasticfilesystem:ClientRootAccess")},
        change={"policy": _document("elasticfilesystem:*")},
        tamper=lambda server, thing: server.client("efs").delete_file_system_policy(FileSystemId=thing.id),
    ),
    Case(
        "aws:efs/mountTarget:MountTarget",
        _target,
        change={"securityGroups": []},
        tamper=lambda server, thing: server.client("efs").delete_mount_target(MountTargetId=thing.id),
    ),
    Case(
        "aws:efs/accessPoint:AccessPoint",
        lambda driver: {
            "fileSystemId": _system(driver),
            "posixUser": {"uid": 100001, "gid": 100001},
            "rootDirectory": {"path": "/work", "creationInfo": {"ownerUid": 100001, "ownerGid": 100001, "permissions": "0700"}},
            "tags": {"part": "work"},
        },
        change={"tags": {"part": "other"}},
        replace={"posixUser": {"uid": 100002, "gid": 100002}},
        tamper=lambda server, thing: server.client("efs").delete_access_point(AccessPointId=thing.id),
    ),
]
