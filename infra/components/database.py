"""The environment's PostgreSQL: where MLflow and searches keep what they know."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components.network import Network
from infra.config import naming
from infra.config.classes import ClassName
from infra.config.model import DATABASE_CLASS, DATABASE_PORT, FoundationConfig
from infra.config.versions import POSTGRES

_LOGS = ("postgresql", "upgrade")
_PARAMETERS = {
    "rds.force_ssl": "1",
    "password_encryption": "scram-sha-256",
    "log_connections": "1",
    "log_disconnections": "1",
    # Statements that make and change things, never those that hold what somebody computed.
    "log_statement": "ddl",
}


class Database(pulumi.ComponentResource):
    """One PostgreSQL under the key of confidential data: inside the network, over TLS alone, with a standby in another zone where config says so.

    RDS makes and keeps the administrator's password; no program, plan or state ever has it. MLflow logs in by tokens for its role.
    """

    published: pulumi.Output[dict[str, str]]
    """What other stacks are told of it: host, the ARN of the administrator's secret, and the security group, which lets nobody in."""

    def __init__(
        self,
        name: str,
        config: FoundationConfig,
        *,
        keys: Mapping[ClassName, pulumi.Output[str]],
        network: Network,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("falaj:storage:Database", name, None, opts)
        wanted, label, here = config.database, naming.database(config), ResourceOptions(parent=self)
        tags = naming.tags(config, DATABASE_CLASS, "experiment-tracking")
        group = aws.ec2.SecurityGroup(
            name,
            name=label,
            description="PostgreSQL, from the nodes",
            vpc_id=network.vpc_id,
            tags=naming.tags(config, "internal", "network"),
            opts=here,
        )
        subnets = aws.rds.SubnetGroup(name, name=label, description="PostgreSQL", subnet_ids=network.endpoint_subnet_ids, tags=tags, opts=here)
        parameters = aws.rds.ParameterGroup(
            name,
            name=f"{label}-{POSTGRES.split('.')[0]}",
            description="TLS alone, passwords as digests, connections in the log",
            family=f"postgres{POSTGRES.split('.')[0]}",
            parameters=[{"name": key, "value": value, "apply_method": "immediate"} for key, value in _PARAMETERS.items()],
            tags=tags,
            opts=here,
        )
        # Before the database: RDS would make its own, unencrypted and kept for ever.
        logs = [
            aws.cloudwatch.LogGroup(
                f"{name}-{log}",
                name=f"/aws/rds/instance/{label}/{log}",
                retention_in_days=wanted.log_days,
                kms_key_id=keys["internal"],
                tags=naming.tags(config, "internal", "operations-logs"),
                opts=here,
            )
            for log in _LOGS
        ]
        made = aws.rds.Instance(
            name,
            identifier=label,
            engine="postgres",
            engine_version=POSTGRES,
            instance_class=wanted.machine,
            storage_type="gp3",
            allocated_storage=wanted.storage_gib,
            max_allocated_storage=wanted.most_gib,
            storage_encrypted=True,
            kms_key_id=keys[DATABASE_CLASS],
            multi_az=wanted.standby,
            port=DATABASE_PORT,
            publicly_accessible=False,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[group.id],
            parameter_group_name=parameters.name,
            ca_cert_identifier="rds-ca-rsa2048-g1",
            iam_database_authentication_enabled=True,
            username="falaj_admin",
            manage_master_user_password=True,
            master_user_secret_kms_key_id=keys[DATABASE_CLASS],
            backup_retention_period=wanted.backup_days,
            backup_window="00:00-01:00",
            maintenance_window="sun:01:30-sun:02:30",
            copy_tags_to_snapshot=True,
            delete_automated_backups=config.removable,
            skip_final_snapshot=config.removable,
            final_snapshot_identifier=None if config.removable else f"{label}-last",
            deletion_protection=not config.removable,
            auto_minor_version_upgrade=True,
            apply_immediately=False,
            enabled_cloudwatch_logs_exports=list(_LOGS),
            performance_insights_enabled=False,
            tags={**tags, **naming.objectives(config)},
            opts=ResourceOptions(parent=self, depends_on=logs, protect=not config.removable),
        )
        secret = made.master_user_secrets.apply(lambda found: found[0].secret_arn if found else "")
        self.published = pulumi.Output.all(host=made.address, administrator=secret, group=group.id)
        self.register_outputs({"database": self.published})


def database_of(
    name: str, config: FoundationConfig, *, keys: Mapping[ClassName, pulumi.Output[str]], network: Network, opts: ResourceOptions | None = None
) -> pulumi.Output[dict[str, str]]:
    """What a `Database` publishes, where runs are tracked by a server; nothing where they are not."""
    if config.tracking != "server":
        return pulumi.Output.from_input({})
    return Database(name, config, keys=keys, network=network, opts=opts).published
