"""What is live in the local AWS of this home, and what a state says should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from infra.engine.embedded import EmbeddedEngine
from infra.engine.engine import Program
from infra.sandbox.aws.api import clients_of
from infra.sandbox.aws.service import REGION, endpoint


def client(service: str) -> Any:
    return clients_of(endpoint()).get(service, REGION)


def leftovers() -> dict[str, list[str]]:
    """What is live and was made by somebody: AWS's own defaults and what awaits deletion do not count."""
    ec2, kms = client("ec2"), client("kms")
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    found = {
        "buckets": [one["Name"] for one in client("s3").list_buckets()["Buckets"]],
        "keys": [key["KeyId"] for key in keys if key["KeyState"] != "PendingDeletion"],
        "networks": [one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"] if not one["IsDefault"]],
        "roles": [one["RoleName"] for one in client("iam").list_roles()["Roles"]],
        "repositories": [one["repositoryName"] for one in client("ecr").describe_repositories()["repositories"]],
        "endpoints": [one["VpcEndpointId"] for one in ec2.describe_vpc_endpoints()["VpcEndpoints"] if one["State"].lower() != "deleted"],
        "trails": [one["Name"] for one in client("cloudtrail").describe_trails()["trailList"]],
        "logs": [one["logGroupName"] for one in client("logs").describe_log_groups()["logGroups"]],
        "clusters": client("eks").list_clusters()["clusters"],
        "detectors": client("guardduty").list_detectors()["DetectorIds"],
        "recorders": [one["name"] for one in client("config").describe_configuration_recorders()["ConfigurationRecorders"]],
        "vaults": [one["BackupVaultName"] for one in client("backup").list_backup_vaults()["BackupVaultList"]],
        "plans": [one["BackupPlanId"] for one in client("backup").list_backup_plans()["BackupPlansList"]],
        "tables": client("dynamodb").list_tables()["TableNames"],
        "file systems": [one["FileSystemId"] for one in client("efs").describe_file_systems()["FileSystems"]],
        "access points": [one["AccessPointId"] for one in client("efs").describe_access_points()["AccessPoints"]],
        "databases": [one["DBInstanceIdentifier"] for one in client("rds").describe_db_instances()["DBInstances"]],
        "subnets of databases": [one["DBSubnetGroupName"] for one in client("rds").describe_db_subnet_groups()["DBSubnetGroups"]],
        "parameters of databases": [one["DBParameterGroupName"] for one in client("rds").describe_db_parameter_groups()["DBParameterGroups"]],
        "copies of databases": [one["DBSnapshotIdentifier"] for one in client("rds").describe_db_snapshots()["DBSnapshots"]],
        "secrets": [one["Name"] for one in client("secretsmanager").list_secrets()["SecretList"]],
    }
    return {kind: names for kind, names in found.items() if names}


def counted(things: Mapping[str, list[str]]) -> dict[str, int]:
    """How many there are of each kind."""
    return {kind: len(names) for kind, names in things.items()}


def in_state(engine: EmbeddedEngine, program: Program) -> dict[str, int]:
    """How many of each kind the state of `program` holds."""
    types = Counter(resource["type"] for resource in engine.export(program)["deployment"]["resources"])
    found = {
        "buckets": types["aws:s3/bucket:Bucket"],
        "keys": types["aws:kms/key:Key"],
        "networks": types["aws:ec2/vpc:Vpc"],
        "roles": types["aws:iam/role:Role"] + types["aws:iam/serviceLinkedRole:ServiceLinkedRole"],
        "repositories": types["aws:ecr/repository:Repository"],
        "endpoints": types["aws:ec2/vpcEndpoint:VpcEndpoint"],
        "trails": types["aws:cloudtrail/trail:Trail"],
        "logs": types["aws:cloudwatch/logGroup:LogGroup"],
        "detectors": types["aws:guardduty/detector:Detector"],
        "recorders": types["aws:cfg/recorder:Recorder"],
        "vaults": types["aws:backup/vault:Vault"],
        "plans": types["aws:backup/plan:Plan"],
        "tables": types["aws:dynamodb/table:Table"],
        "file systems": types["aws:efs/fileSystem:FileSystem"],
        "access points": types["aws:efs/accessPoint:AccessPoint"],
    }
    return {kind: count for kind, count in found.items() if count}
