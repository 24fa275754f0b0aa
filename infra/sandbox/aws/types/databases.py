"""PostgreSQL as RDS runs it: a server, the subnets it may be in, and its parameters. The local one answers the API and no query."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, as_list, from_list, given, tag_changes, words

_SERVICE = "rds"
_ALIKE = {
    "allocatedStorage": "AllocatedStorage",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "backupRetentionPeriod": "BackupRetentionPeriod",
    "backupWindow": "PreferredBackupWindow",
    "caCertIdentifier": "CACertificateIdentifier",
    "copyTagsToSnapshot": "CopyTagsToSnapshot",
    "deletionProtection": "DeletionProtection",
    "engineVersion": "EngineVersion",
    "instanceClass": "DBInstanceClass",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "maxAllocatedStorage": "MaxAllocatedStorage",
    "multiAz": "MultiAZ",
    "publiclyAccessible": "PubliclyAccessible",
    "storageType": "StorageType",
}
"""Input -> what the API calls it where one is made, changed and read."""
_MADE = {
    **_ALIKE,
    "engine": "Engine",
    "storageEncrypted": "StorageEncrypted",
    "kmsKeyId": "KmsKeyId",
    "username": "MasterUsername",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "dbSubnetGroupName": "DBSubnetGroupName",
    "parameterGroupName": "DBParameterGroupName",
    "vpcSecurityGroupIds": "VpcSecurityGroupIds",
    "port": "Port",
    "manageMasterUserPassword": "ManageMasterUserPassword",
    "masterUserSecretKmsKeyId": "MasterUserSecretKmsKeyId",
}
_CHANGED = {
    **_ALIKE,
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "parameterGroupName": "DBParameterGroupName",
    "vpcSecurityGroupIds": "VpcSecurityGroupIds",
}


def _retag(api: Api, old: Properties, new: Properties) -> None:
    put, gone = tag_changes(old, new)
    if put:
        api(_SERVICE).add_tags_to_resource(ResourceName=old["arn"], Tags=as_list(put))
    if gone:
        api(_SERVICE).remove_tags_from_resource(ResourceName=old["arn"], TagKeys=gone)


def _tags(api: Api, arn: str) -> Tags:
    return from_list(api(_SERVICE).list_tags_for_resource(ResourceName=arn)["TagList"])


def _one(api: Api, identity: str) -> dict[str, Any] | None:
    found = api.absent(api(_SERVICE).describe_db_instances, DBInstanceIdentifier=identity)
    return found["DBInstances"][0] if found and found["DBInstances"] else None


def _create(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(**{theirs: p.get(ours) for ours, theirs in _MADE.items()})
    return api(_SERVICE).create_db_instance(DBInstanceIdentifier=p["identifier"], Tags=as_list(tags), **asked)["DBInstance"]["DBInstanceIdentifier"]


def _read(api: Api, identity: str, known: Properties) -> Properties | None:
    one = _one(api, identity)
    if one is None:
        return None
    secret = one.get("MasterUserSecret")
    address, port = one["Endpoint"]["Address"], one["Endpoint"]["Port"]
    return {
        **{ours: one.get(theirs) for ours, theirs in _ALIKE.items()},
        "address": address,
        "arn": one["DBInstanceArn"],
        "dbSubnetGroupName": (one.get("DBSubnetGroup") or {}).get("DBSubnetGroupName"),
        "enabledCloudwatchLogsExports": sorted(one.get("EnabledCloudwatchLogsExports") or []),
        "endpoint": f"{address}:{port}",
        "engine": one["Engine"],
        "iamDatabaseAuthenticationEnabled": one.get("IAMDatabaseAuthenticationEnabled"),
        "identifier": identity,
        "kmsKeyId": one.get("KmsKeyId"),
        "manageMasterUserPassword": bool(secret),
        "masterUserSecretKmsKeyId": secret.get("KmsKeyId") if secret else None,
        "masterUserSecrets": [given(kmsKeyId=secret.get("KmsKeyId"), secretArn=secret["SecretArn"], secretStatus="active")] if secret else [],
        "parameterGroupName": one["DBParameterGroups"][0]["DBParameterGroupName"],
        "performanceInsightsEnabled": bool(one.get("PerformanceInsightsEnabled")),
        "port": port,
        "resourceId": one["DbiResourceId"],
        "status": one["DBInstanceStatus"],
        "storageEncrypted": one.get("StorageEncrypted"),
        "username": one.get("MasterUsername"),
        "vpcSecurityGroupIds": sorted(group["VpcSecurityGroupId"] for group in one.get("VpcSecurityGroups") or []),
        "tagsAll": _tags(api, one["DBInstanceArn"]),
    }


def _update(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    settings: dict[str, Any] = {theirs: new[ours] for ours, theirs in _CHANGED.items() if ours in changed and new.get(ours) is not None}
    if "enabledCloudwatchLogsExports" in changed:
        before, after = set(old.get("enabledCloudwatchLogsExports") or []), set(new.get("enabledCloudwatchLogsExports") or [])
        settings["CloudwatchLogsExportConfiguration"] = {"EnableLogTypes": sorted(after - before), "DisableLogTypes": sorted(before - after)}
    if settings:
        api(_SERVICE).modify_db_instance(DBInstanceIdentifier=identity, ApplyImmediately=True, **settings)
    _retag(api, old, new)


def _delete(api: Api, identity: str, held: Properties) -> None:
    last = None if held.get("skipFinalSnapshot") else held.get("finalSnapshotIdentifier")
    copies = held.get("deleteAutomatedBackups")
    api(_SERVICE).delete_db_instance(
        DBInstanceIdentifier=identity,
        SkipFinalSnapshot=last is None,
        DeleteAutomatedBackups=True if copies is None else bool(copies),
        **given(FinalDBSnapshotIdentifier=last),
    )


def _create_subnets(api: Api, p: Properties, tags: Tags) -> str:
    asked = {"DBSubnetGroupDescription": p.get("description") or "Managed by Pulumi", "SubnetIds": p["subnetIds"]}
    return api(_SERVICE).create_db_subnet_group(DBSubnetGroupName=p["name"], Tags=as_list(tags), **asked)["DBSubnetGroup"]["DBSubnetGroupName"]


def _read_subnets(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api.absent(api(_SERVICE).describe_db_subnet_groups, DBSubnetGroupName=identity)
    if not found or not found["DBSubnetGroups"]:
        return None
    one = found["DBSubnetGroups"][0]
    return {
        "arn": one["DBSubnetGroupArn"],
        "name": one["DBSubnetGroupName"],
        "description": one["DBSubnetGroupDescription"],
        "subnetIds": sorted(each["SubnetIdentifier"] for each in one["Subnets"]),
        "vpcId": one["VpcId"],
        "tagsAll": _tags(api, one["DBSubnetGroupArn"]),
    }


def _update_subnets(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if {"description", "subnetIds"} & changed:
        asked = given(DBSubnetGroupDescription=new.get("description"))
        api(_SERVICE).modify_db_subnet_group(DBSubnetGroupName=identity, SubnetIds=new["subnetIds"], **asked)
    _retag(api, old, new)


def _parameters(parameters: list[Properties]) -> list[dict[str, str]]:
    return [{"ParameterName": each["name"], "ParameterValue": each["value"], "ApplyMethod": each.get("applyMethod") or "immediate"} for each in parameters]


def _create_parameters(api: Api, p: Properties, tags: Tags) -> str:
    asked = {"DBParameterGroupFamily": p["family"], "Description": p.get("description") or "Managed by Pulumi"}
    return api(_SERVICE).create_db_parameter_group(DBParameterGroupName=p["name"], Tags=as_list(tags), **asked)["DBParameterGroup"]["DBParameterGroupName"]


def _set_parameters(api: Api, identity: str, p: Properties) -> None:
    if p.get("parameters"):
        api(_SERVICE).modify_db_parameter_group(DBParameterGroupName=identity, Parameters=_parameters(p["parameters"]))


def _read_parameters(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api.absent(api(_SERVICE).describe_db_parameter_groups, DBParameterGroupName=identity)
    if not found or not found["DBParameterGroups"]:
        return None
    one = found["DBParameterGroups"][0]
    held = api(_SERVICE).describe_db_parameters(DBParameterGroupName=identity, Source="user")["Parameters"]
    return {
        "arn": one["DBParameterGroupArn"],
        "name": one["DBParameterGroupName"],
        "family": one["DBParameterGroupFamily"],
        "description": one["Description"],
        "parameters": sorted(
            ({"name": each["ParameterName"], "value": each["ParameterValue"], "applyMethod": each.get("ApplyMethod")} for each in held),
            key=lambda each: each["name"],
        ),
        "tagsAll": _tags(api, one["DBParameterGroupArn"]),
    }


def _update_parameters(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if "parameters" in changed:
        names = {each["name"] for each in new.get("parameters") or []}
        gone = [each for each in old.get("parameters") or [] if each["name"] not in names]
        if gone:
            api(_SERVICE).reset_db_parameter_group(DBParameterGroupName=identity, Parameters=_parameters(gone))
        _set_parameters(api, identity, new)
    _retag(api, old, new)


ROWS = [
    Row(
        type="aws:rds/instance:Instance",
        inputs=words("applyImmediately deleteAutomatedBackups finalSnapshotIdentifier identifier skipFinalSnapshot") | _MADE.keys(),
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        find=lambda api, p, mark: p["identifier"] if _one(api, p["identifier"]) else None,
        computed=words("address arn endpoint masterUserSecrets resourceId status"),
        chosen=words(
            "backupWindow caCertIdentifier engineVersion maintenanceWindow maxAllocatedStorage parameterGroupName port storageType vpcSecurityGroupIds"
        ),
        replaces=words(
            "dbSubnetGroupName engine identifier kmsKeyId manageMasterUserPassword masterUserSecretKmsKeyId performanceInsightsEnabled port storageEncrypted "
            "username"
        ),
        identity=("identifier",),
        defaults={"autoMinorVersionUpgrade": True},
        unseen=words("applyImmediately deleteAutomatedBackups finalSnapshotIdentifier skipFinalSnapshot"),
        volatile=words("status"),
        autoname="identifier",
        tags=True,
        meaning=Meaning(unordered=words("enabledCloudwatchLogsExports vpcSecurityGroupIds")),
    ),
    Row(
        type="aws:rds/subnetGroup:SubnetGroup",
        inputs=words("description name subnetIds"),
        create=_create_subnets,
        read=_read_subnets,
        update=_update_subnets,
        delete=lambda api, identity, held: api(_SERVICE).delete_db_subnet_group(DBSubnetGroupName=identity),
        find=lambda api, p, mark: p["name"] if _read_subnets(api, p["name"], p) else None,
        computed=words("arn vpcId"),
        replaces=words("name"),
        identity=("name",),
        defaults={"description": "Managed by Pulumi"},
        autoname="name",
        tags=True,
        meaning=Meaning(unordered=words("subnetIds")),
    ),
    Row(
        type="aws:rds/parameterGroup:ParameterGroup",
        inputs=words("description family name parameters"),
        create=_create_parameters,
        finish=_set_parameters,
        read=_read_parameters,
        update=_update_parameters,
        delete=lambda api, identity, held: api(_SERVICE).delete_db_parameter_group(DBParameterGroupName=identity),
        find=lambda api, p, mark: p["name"] if _read_parameters(api, p["name"], p) else None,
        computed=words("arn"),
        replaces=words("description family name"),
        identity=("name",),
        defaults={"description": "Managed by Pulumi"},
        autoname="name",
        tags=True,
        meaning=Meaning(unordered=words("parameters"), decided=words("parameters.*.applyMethod")),
    ),
]
