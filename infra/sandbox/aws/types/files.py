"""File systems that several machines share: EFS, its targets in subnets, its access points and its policies."""

from __future__ import annotations

import hashlib
from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import MARK, Properties, Row, Tags, as_list, block, from_list, given, tag_changes, words

_SERVICE = "efs"
_MOVES = {
    "transitionToIa": "TransitionToIA",
    "transitionToArchive": "TransitionToArchive",
    "transitionToPrimaryStorageClass": "TransitionToPrimaryStorageClass",
}


def _retag(api: Api, identity: str, old: Properties, new: Properties) -> None:
    put, gone = tag_changes(old, new)
    if put:
        api(_SERVICE).tag_resource(ResourceId=identity, Tags=as_list(put))
    if gone:
        api(_SERVICE).untag_resource(ResourceId=identity, TagKeys=gone)


def _system(api: Api, identity: str) -> dict[str, Any] | None:
    found = api.absent(api(_SERVICE).describe_file_systems, FileSystemId=identity)
    return found["FileSystems"][0] if found else None


def _create_system(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(PerformanceMode=p.get("performanceMode"), ThroughputMode=p.get("throughputMode"), Encrypted=p.get("encrypted"), KmsKeyId=p.get("kmsKeyId"))
    return api(_SERVICE).create_file_system(CreationToken=p["creationToken"], Tags=as_list(tags), **asked)["FileSystemId"]


def _finish_system(api: Api, identity: str, p: Properties) -> None:
    # One class to move to in each rule, as EFS wants them.
    rules = [{theirs: rule[ours]} for rule in p.get("lifecyclePolicies") or [] for ours, theirs in _MOVES.items() if rule.get(ours)]
    api(_SERVICE).put_lifecycle_configuration(FileSystemId=identity, LifecyclePolicies=rules)


def _read_system(api: Api, identity: str, known: Properties) -> Properties | None:
    one = _system(api, identity)
    if one is None:
        return None
    rules = api(_SERVICE).describe_lifecycle_configuration(FileSystemId=identity)["LifecyclePolicies"]
    return {
        "arn": api.arn("elasticfilesystem", f"file-system/{identity}"),
        "creationToken": one["CreationToken"],
        "dnsName": f"{identity}.efs.{api.region}.amazonaws.com",
        "encrypted": bool(one.get("Encrypted")),
        "kmsKeyId": one.get("KmsKeyId"),
        "performanceMode": one.get("PerformanceMode"),
        "throughputMode": one.get("ThroughputMode"),
        "ownerId": one.get("OwnerId"),
        "lifecyclePolicies": [{ours: rule[theirs] for ours, theirs in _MOVES.items() if theirs in rule} for rule in rules],
        "tagsAll": from_list(one.get("Tags")),
    }


def _update_system(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if "throughputMode" in changed:
        api(_SERVICE).update_file_system(FileSystemId=identity, ThroughputMode=new.get("throughputMode") or "bursting")
    if "lifecyclePolicies" in changed:
        _finish_system(api, identity, new)
    _retag(api, identity, old, new)


def _find_system(api: Api, p: Properties, mark: Tags) -> str | None:
    found = api(_SERVICE).describe_file_systems(CreationToken=p["creationToken"])["FileSystems"]
    return found[0]["FileSystemId"] if found else None


def _put_backups(api: Api, p: Properties, tags: Tags) -> str:
    api(_SERVICE).put_backup_policy(FileSystemId=p["fileSystemId"], BackupPolicy={"Status": block(p["backupPolicy"])["status"]})
    return p["fileSystemId"]


def _read_backups(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api.absent(api(_SERVICE).describe_backup_policy, FileSystemId=identity)
    return {"fileSystemId": identity, "backupPolicy": {"status": found["BackupPolicy"]["Status"]}} if found else None


def _put_policy(api: Api, p: Properties, tags: Tags) -> str:
    api(_SERVICE).put_file_system_policy(FileSystemId=p["fileSystemId"], Policy=p["policy"])
    return p["fileSystemId"]


def _read_policy(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api.absent(api(_SERVICE).describe_file_system_policy, FileSystemId=identity) if _system(api, identity) else None
    return {"fileSystemId": identity, "policy": found["Policy"]} if found else None


def _create_target(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(SecurityGroups=p.get("securityGroups") or None, IpAddress=p.get("ipAddress"))
    return api(_SERVICE).create_mount_target(FileSystemId=p["fileSystemId"], SubnetId=p["subnetId"], **asked)["MountTargetId"]


def _read_target(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api.absent(api(_SERVICE).describe_mount_targets, MountTargetId=identity)
    if not found:
        return None
    one = found["MountTargets"][0]
    return {
        "fileSystemId": one["FileSystemId"],
        "fileSystemArn": api.arn("elasticfilesystem", f"file-system/{one['FileSystemId']}"),
        "subnetId": one["SubnetId"],
        "ipAddress": one["IpAddress"],
        "availabilityZoneName": one["AvailabilityZoneName"],
        "networkInterfaceId": one["NetworkInterfaceId"],
        "ownerId": one["OwnerId"],
        "securityGroups": api(_SERVICE).describe_mount_target_security_groups(MountTargetId=identity)["SecurityGroups"],
    }


def _update_target(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if "securityGroups" in changed:
        api(_SERVICE).modify_mount_target_security_groups(MountTargetId=identity, SecurityGroups=new.get("securityGroups") or [])


def _find_target(api: Api, p: Properties, mark: Tags) -> str | None:
    found = api.absent(api(_SERVICE).describe_mount_targets, FileSystemId=p["fileSystemId"])
    return next((one["MountTargetId"] for one in (found or {}).get("MountTargets", []) if one["SubnetId"] == p["subnetId"]), None)


def _create_point(api: Api, p: Properties, tags: Tags) -> str:
    user, root = block(p.get("posixUser")), block(p.get("rootDirectory"))
    made = block(root.get("creationInfo"))
    asked: dict[str, Any] = {}
    if user:
        asked["PosixUser"] = {"Uid": int(user["uid"]), "Gid": int(user["gid"]), **given(SecondaryGids=user.get("secondaryGids"))}
    if root:
        info = {"OwnerUid": int(made["ownerUid"]), "OwnerGid": int(made["ownerGid"]), "Permissions": made["permissions"]} if made else None
        asked["RootDirectory"] = {"Path": root["path"], **given(CreationInfo=info)}
    # The same question twice is the same access point.
    token = hashlib.sha256(f"{p['fileSystemId']} {tags.get(MARK)}".encode()).hexdigest()
    return api(_SERVICE).create_access_point(ClientToken=token, FileSystemId=p["fileSystemId"], Tags=as_list(tags), **asked)["AccessPointId"]


def _read_point(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api.absent(api(_SERVICE).describe_access_points, AccessPointId=identity)
    if not found:
        return None
    one = found["AccessPoints"][0]
    user, root = one.get("PosixUser") or {}, one.get("RootDirectory") or {}
    made = root.get("CreationInfo") or {}
    info = {"ownerUid": made["OwnerUid"], "ownerGid": made["OwnerGid"], "permissions": made["Permissions"]} if made else None
    return {
        "arn": one["AccessPointArn"],
        "fileSystemId": one["FileSystemId"],
        "fileSystemArn": api.arn("elasticfilesystem", f"file-system/{one['FileSystemId']}"),
        "ownerId": one["OwnerId"],
        "posixUser": {"uid": user["Uid"], "gid": user["Gid"], **given(secondaryGids=user.get("SecondaryGids"))} if user else None,
        "rootDirectory": {"path": root.get("Path"), **given(creationInfo=info)},
        "tagsAll": from_list(one.get("Tags")),
    }


def _find_point(api: Api, p: Properties, mark: Tags) -> str | None:
    found = api(_SERVICE).describe_access_points(FileSystemId=p["fileSystemId"])["AccessPoints"]
    return next((one["AccessPointId"] for one in found if from_list(one.get("Tags")).get(MARK) == mark[MARK]), None)


ROWS = [
    Row(
        type="aws:efs/fileSystem:FileSystem",
        inputs=words("creationToken encrypted kmsKeyId lifecyclePolicies performanceMode throughputMode"),
        create=_create_system,
        finish=_finish_system,
        read=_read_system,
        update=_update_system,
        delete=lambda api, identity, held: api(_SERVICE).delete_file_system(FileSystemId=identity),
        find=_find_system,
        computed=words("arn dnsName ownerId"),
        chosen=words("performanceMode throughputMode"),
        replaces=words("creationToken encrypted kmsKeyId performanceMode"),
        identity=("creationToken",),
        defaults={"performanceMode": "generalPurpose", "throughputMode": "bursting"},
        autoname="creationToken",
        tags=True,
    ),
    Row(
        type="aws:efs/backupPolicy:BackupPolicy",
        inputs=words("backupPolicy fileSystemId"),
        create=_put_backups,
        read=_read_backups,
        update=lambda api, identity, old, new, changed: _put_backups(api, new, {}),
        delete=lambda api, identity, held: api(_SERVICE).put_backup_policy(FileSystemId=identity, BackupPolicy={"Status": "DISABLED"}),
        find=lambda api, p, mark: p["fileSystemId"] if _read_backups(api, p["fileSystemId"], p) else None,
        replaces=words("fileSystemId"),
        identity=("fileSystemId",),
    ),
    Row(
        type="aws:efs/fileSystemPolicy:FileSystemPolicy",
        inputs=words("bypassPolicyLockoutSafetyCheck fileSystemId policy"),
        create=_put_policy,
        read=_read_policy,
        update=lambda api, identity, old, new, changed: _put_policy(api, new, {}),
        delete=lambda api, identity, held: api(_SERVICE).delete_file_system_policy(FileSystemId=identity),
        find=lambda api, p, mark: p["fileSystemId"] if _read_policy(api, p["fileSystemId"], p) else None,
        replaces=words("fileSystemId"),
        identity=("fileSystemId",),
        unseen=words("bypassPolicyLockoutSafetyCheck"),
        meaning=Meaning(json=words("policy")),
    ),
    Row(
        type="aws:efs/mountTarget:MountTarget",
        inputs=words("fileSystemId ipAddress securityGroups subnetId"),
        create=_create_target,
        read=_read_target,
        update=_update_target,
        delete=lambda api, identity, held: api(_SERVICE).delete_mount_target(MountTargetId=identity),
        find=_find_target,
        computed=words("availabilityZoneName fileSystemArn networkInterfaceId ownerId"),
        chosen=words("ipAddress"),
        replaces=words("fileSystemId ipAddress subnetId"),
        identity=("fileSystemId", "subnetId"),
        meaning=Meaning(unordered=words("securityGroups")),
    ),
    Row(
        type="aws:efs/accessPoint:AccessPoint",
        inputs=words("fileSystemId posixUser rootDirectory"),
        create=_create_point,
        read=_read_point,
        update=lambda api, identity, old, new, changed: _retag(api, identity, old, new),
        delete=lambda api, identity, held: api(_SERVICE).delete_access_point(AccessPointId=identity),
        find=_find_point,
        computed=words("arn fileSystemArn ownerId"),
        replaces=words("fileSystemId posixUser rootDirectory"),
        tags=True,
    ),
]
