"""Cases of what watches an account, of what keeps copies, and of tables."""

from __future__ import annotations

from tests.sandbox.aws.cases import Case, Inputs, bucket, key, role
from tests.sandbox.aws.conftest import ACCOUNT, Driver, Thing

_OWN = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"


def detector(driver: Driver) -> Thing:
    return driver.create("aws:guardduty/detector:Detector", "detector", {"enable": True})


def _agent(status: str) -> list[Inputs]:
    return [{"name": "EKS_ADDON_MANAGEMENT", "status": status}]


def recorder(driver: Driver) -> Thing:
    return driver.create("aws:cfg/recorder:Recorder", "recorder", {"name": "falaj-local", "roleArn": _OWN})


def channel(driver: Driver) -> Inputs:
    recorder(driver)
    return {"name": "falaj-local", "s3BucketName": bucket(driver, "falaj-local-logs"), "s3KmsKeyArn": key(driver).outputs["arn"]}


def _recording(driver: Driver) -> Inputs:
    driver.create("aws:cfg/deliveryChannel:DeliveryChannel", "channel", channel(driver))
    return {"name": "falaj-local", "isEnabled": True}


def vault(driver: Driver) -> Thing:
    return driver.create("aws:backup/vault:Vault", "vault", {"name": "falaj-local", "kmsKeyArn": key(driver).outputs["arn"], "forceDestroy": True})


def _rule(days: int) -> Inputs:
    return {"ruleName": "daily", "targetVaultName": "falaj-local", "schedule": "cron(0 1 * * ? *)", "lifecycle": {"deleteAfter": days}}


def plan(driver: Driver) -> Thing:
    vault(driver)
    return driver.create("aws:backup/plan:Plan", "plan", {"name": "falaj-local", "rules": [_rule(30)]})


def _selection(driver: Driver) -> Inputs:
    worker = role(driver, "backup", "backup.amazonaws.com").outputs["arn"]
    return {"name": "buckets", "planId": plan(driver).id, "iamRoleArn": worker, "resources": ["arn:aws:s3:::two", "arn:aws:s3:::one"]}


GUARD = [
    Case(
        "aws:guardduty/detector:Detector",
        lambda driver: {"enable": True, "findingPublishingFrequency": "FIFTEEN_MINUTES", "tags": {"part": "detection"}},
        change={"findingPublishingFrequency": "ONE_HOUR", "tags": {"part": "other"}},
        tamper=lambda server, thing: server.client("guardduty").update_detector(DetectorId=thing.id, Enable=False),
        drift=["enable"],
    ),
    Case(
        "aws:guardduty/detectorFeature:DetectorFeature",
        lambda driver: {"detectorId": detector(driver).id, "name": "RUNTIME_MONITORING", "status": "ENABLED", "additionalConfigurations": _agent("ENABLED")},
        change={"additionalConfigurations": _agent("DISABLED")},
        replace={"name": "S3_DATA_EVENTS"},
        tamper=lambda server, thing: server.client("guardduty").update_detector(
            DetectorId=thing.inputs["detectorId"], Features=[{"Name": "RUNTIME_MONITORING", "Status": "DISABLED"}]
        ),
    ),
]

TABLES = [
    Case(
        "aws:dynamodb/table:Table",
        lambda driver: {
            "name": "falaj-local-features",
            "billingMode": "PAY_PER_REQUEST",
            "hashKey": "entity_id",
            "attributes": [{"name": "entity_id", "type": "S"}],
            "serverSideEncryption": {"enabled": True, "kmsKeyArn": key(driver).outputs["arn"]},
            "pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 14},
            "deletionProtectionEnabled": False,
            "tags": {"part": "features"},
        },
        change={"pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 7}, "tags": {"part": "other"}},
        replace={"hashKey": "id", "attributes": [{"name": "id", "type": "S"}]},
        deletes_first=True,
        tamper=lambda server, thing: server.client("dynamodb").update_table(TableName=thing.id, DeletionProtectionEnabled=True),
        drift=["deletionProtectionEnabled"],
    ),
]


def _word(threshold: int, kind: str = "ACTUAL") -> Inputs:
    told = {"subscriberEmailAddresses": ["ml-platform@example.org"]}
    return {"notificationType": kind, "comparisonOperator": "GREATER_THAN", "threshold": threshold, "thresholdType": "PERCENTAGE", **told}


POSTURE = [
    Case(
        "aws:securityhub/account:Account",
        lambda driver: {"enableDefaultStandards": True, "autoEnableControls": True, "controlFindingGenerator": "SECURITY_CONTROL"},
        change={"autoEnableControls": False},
        replace={"enableDefaultStandards": False},
        tamper=lambda server, thing: server.client("securityhub").disable_security_hub(),
    ),
    Case(
        "aws:accessanalyzer/analyzer:Analyzer",
        lambda driver: {"analyzerName": "falaj-local", "type": "ACCOUNT", "tags": {"part": "detection"}},
        change={"tags": {"part": "other"}},
        replace={"type": "ACCOUNT_UNUSED_ACCESS"},
        tamper=lambda server, thing: server.client("accessanalyzer").tag_resource(resourceArn=thing.outputs["arn"], tags={"owner": "x"}),
        drift=["tags", "tagsAll"],
    ),
    Case(
        "aws:budgets/budget:Budget",
        lambda driver: {
            "name": "falaj-local",
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitAmount": "500",
            "limitUnit": "USD",
            "notifications": [_word(80), _word(100, "FORECASTED")],
            "tags": {"part": "budget"},
        },
        change={"limitAmount": "600", "notifications": [_word(90)], "tags": {"part": "other"}},
        replace={"name": "other"},
        tamper=lambda server, thing: server.client("budgets").delete_notification(
            AccountId=ACCOUNT,
            BudgetName="falaj-local",
            Notification={"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0, "ThresholdType": "PERCENTAGE"},
        ),
        drift=["notifications"],
    ),
]

RECORDING = [
    Case(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        lambda driver: {"url": "https://token.actions.githubusercontent.com", "clientIdLists": ["sts.amazonaws.com"], "tags": {"part": "pipelines"}},
        change={"tags": {"part": "other"}},
        replace={"clientIdLists": ["somebody.else"]},
        tamper=lambda server, thing: server.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=thing.id),
    ),
    Case(
        "aws:iam/serviceLinkedRole:ServiceLinkedRole",
        lambda driver: {"awsServiceName": "config.amazonaws.com", "tags": {"part": "recorder"}},
        change={"tags": {"part": "other"}},
        replace={"awsServiceName": "backup.amazonaws.com"},
        tamper=lambda server, thing: server.client("iam").tag_role(RoleName=thing.outputs["name"], Tags=[{"Key": "owner", "Value": "x"}]),
        drift=["tags", "tagsAll"],
    ),
    Case(
        "aws:cfg/recorder:Recorder",
        lambda driver: {"name": "falaj-local", "roleArn": _OWN, "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True}},
        change={"recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": False}},
        replace={"name": "other"},
        tamper=lambda server, thing: server.client("config").put_configuration_recorder(
            ConfigurationRecorder={"name": thing.id, "roleARN": _OWN, "recordingGroup": {"resourceTypes": ["AWS::S3::Bucket"]}}
        ),
        drift=["recordingGroup"],
    ),
    Case(
        "aws:cfg/deliveryChannel:DeliveryChannel",
        lambda driver: {**channel(driver), "snapshotDeliveryProperties": {"deliveryFrequency": "TwentyFour_Hours"}},
        change={"snapshotDeliveryProperties": {"deliveryFrequency": "One_Hour"}},
        replace={"name": "other"},
        tamper=lambda server, thing: server.client("config").put_delivery_channel(
            DeliveryChannel={"name": thing.id, "s3BucketName": "elsewhere", "s3KmsKeyArn": thing.inputs["s3KmsKeyArn"]}
        ),
        drift=["s3BucketName", "snapshotDeliveryProperties"],
    ),
    Case(
        "aws:cfg/recorderStatus:RecorderStatus",
        _recording,
        change={"isEnabled": False},
        replace={"name": "other"},
        tamper=lambda server, thing: server.client("config").stop_configuration_recorder(ConfigurationRecorderName=thing.id),
        drift=["isEnabled"],
    ),
    Case(
        "aws:cfg/retentionConfiguration:RetentionConfiguration",
        lambda driver: {"retentionPeriodInDays": 400},
        change={"retentionPeriodInDays": 2555},
        tamper=lambda server, thing: server.client("config").put_retention_configuration(RetentionPeriodInDays=30),
        drift=["retentionPeriodInDays"],
    ),
]

BACKUP = [
    Case(
        "aws:backup/vault:Vault",
        lambda driver: {"name": "falaj-local", "kmsKeyArn": key(driver).outputs["arn"], "forceDestroy": True, "tags": {"part": "backups"}},
        change={"tags": {"part": "other"}},
        replace={"name": "other"},
        tamper=lambda server, thing: server.client("backup").tag_resource(ResourceArn=thing.outputs["arn"], Tags={"owner": "x"}),
        drift=["tags", "tagsAll"],
    ),
    Case(
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        lambda driver: {"backupVaultName": vault(driver).id, "minRetentionDays": 30, "maxRetentionDays": 400, "changeableForDays": 3},
        replace={"maxRetentionDays": 500},
        deletes_first=True,
        tamper=lambda server, thing: server.client("backup").put_backup_vault_lock_configuration(BackupVaultName=thing.id, MinRetentionDays=1),
        drift=["maxRetentionDays", "minRetentionDays"],
    ),
    Case(
        "aws:backup/plan:Plan",
        lambda driver: {"name": "falaj-local", "rules": [{**_rule(30), "targetVaultName": vault(driver).id}], "tags": {"part": "backups"}},
        change={"rules": [_rule(60)], "tags": {}},
        replace={"name": "other"},
        tamper=lambda server, thing: server.client("backup").update_backup_plan(
            BackupPlanId=thing.id, BackupPlan={"BackupPlanName": "falaj-local", "Rules": [{"RuleName": "daily", "TargetBackupVaultName": "falaj-local"}]}
        ),
        drift=["rules"],
    ),
    Case(
        "aws:backup/selection:Selection",
        _selection,
        replace={"resources": ["arn:aws:s3:::one"]},
        tamper=lambda server, thing: server.client("backup").delete_backup_selection(BackupPlanId=thing.inputs["planId"], SelectionId=thing.id),
    ),
]
