"""Cases of databases, and of secrets."""

from __future__ import annotations

from typing import Any

from tests.sandbox.aws.cases import Case, Inputs, key
from tests.sandbox.aws.cases_network import group, subnet, vpc
from tests.sandbox.aws.conftest import Driver, Server, Thing

PARAMETERS = [
    {"name": "log_connections", "value": "1", "applyMethod": "immediate"},
    {"name": "rds.force_ssl", "value": "1", "applyMethod": "immediate"},
]


def _subnets(driver: Driver, network: str) -> Inputs:
    return {"name": "falaj-local-tracking", "description": "PostgreSQL", "subnetIds": [subnet(driver, network)], "tags": {"part": "tracking"}}


def _parameters(driver: Driver) -> Inputs:
    return {"name": "falaj-local-tracking-17", "description": "TLS alone", "family": "postgres17", "parameters": PARAMETERS, "tags": {"part": "tracking"}}


def _instance(driver: Driver) -> Inputs:
    network = vpc(driver)
    ours = key(driver).outputs["arn"]
    return {
        "identifier": "falaj-local-tracking",
        "engine": "postgres",
        "engineVersion": "17.6",
        "instanceClass": "db.m7g.large",
        "storageType": "gp3",
        "allocatedStorage": 50,
        "maxAllocatedStorage": 200,
        "storageEncrypted": True,
        "kmsKeyId": ours,
        "multiAz": True,
        "port": 5432,
        "publiclyAccessible": False,
        "dbSubnetGroupName": driver.create("aws:rds/subnetGroup:SubnetGroup", "subnets", _subnets(driver, network)).id,
        "parameterGroupName": driver.create("aws:rds/parameterGroup:ParameterGroup", "parameters", _parameters(driver)).id,
        "vpcSecurityGroupIds": [group(driver, network)],
        "caCertIdentifier": "rds-ca-rsa2048-g1",
        "iamDatabaseAuthenticationEnabled": True,
        "username": "falaj_admin",
        "manageMasterUserPassword": True,
        "masterUserSecretKmsKeyId": ours,
        "backupRetentionPeriod": 7,
        "backupWindow": "00:00-01:00",
        "maintenanceWindow": "sun:01:30-sun:02:30",
        "copyTagsToSnapshot": True,
        "deleteAutomatedBackups": True,
        "skipFinalSnapshot": True,
        "deletionProtection": False,
        "autoMinorVersionUpgrade": True,
        "applyImmediately": False,
        "enabledCloudwatchLogsExports": ["postgresql", "upgrade"],
        "performanceInsightsEnabled": False,
        "tags": {"part": "tracking"},
    }


def _changed(server: Server, thing: Thing, **change: Any) -> None:
    server.client("rds").modify_db_instance(DBInstanceIdentifier=thing.id, **change)


DATABASES = [
    Case(
        "aws:rds/instance:Instance",
        _instance,
        change={"allocatedStorage": 80, "multiAz": False, "backupRetentionPeriod": 14, "enabledCloudwatchLogsExports": ["postgresql"], "tags": {"part": "x"}},
        replace={"username": "another"},
        deletes_first=True,
        tamper=lambda server, thing: _changed(server, thing, PubliclyAccessible=True),
        drift=["publiclyAccessible"],
    ),
    Case(
        "aws:rds/subnetGroup:SubnetGroup",
        lambda driver: _subnets(driver, vpc(driver)),
        change={"description": "another", "tags": {}},
        replace={"name": "falaj-local-other"},
        tamper=lambda server, thing: server.client("rds").delete_db_subnet_group(DBSubnetGroupName=thing.id),
    ),
    Case(
        "aws:rds/parameterGroup:ParameterGroup",
        _parameters,
        change={"parameters": [{"name": "rds.force_ssl", "value": "0", "applyMethod": "immediate"}], "tags": {"part": "other"}},
        replace={"family": "postgres18"},
        deletes_first=True,
        tamper=lambda server, thing: server.client("rds").modify_db_parameter_group(
            DBParameterGroupName=thing.id, Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}]
        ),
        drift=["parameters"],
    ),
]

SECRETS = [
    Case(
        "aws:secretsmanager/secret:Secret",
        lambda driver: {
            "name": "falaj/local/search-store",
            "description": "where a search keeps what it knows",
            "kmsKeyId": key(driver).outputs["arn"],
            "recoveryWindowInDays": 0,
            "tags": {"part": "secrets"},
        },
        change={"description": "another", "tags": {"part": "other", "more": "yes"}},
        replace={"name": "falaj/local/other"},
        tamper=lambda server, thing: server.client("secretsmanager").delete_secret(SecretId=thing.id),
    ),
]
