"""Backups: copies of what cannot be made again, in a vault that nobody can empty before their time."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import FoundationConfig
from infra.config.teams import buckets

_GRACE_DAYS = 7
"""In COMPLIANCE mode a lock can be taken back for so long, and then never again."""


class Backups(pulumi.ComponentResource):
    """A locked vault under `key`, a daily plan and the configured buckets in it; one role makes copies, another brings them back.

    Copies stay in the region: there is no second one in the country. Zones are not enough against a mistake, the vault is.
    """

    def __init__(
        self, name: str, config: FoundationConfig, *, key: pulumi.Input[str], after: Sequence[pulumi.Resource], opts: ResourceOptions | None = None
    ) -> None:
        """`after` holds the boundaries of the roles."""
        super().__init__("falaj:storage:Backups", name, None, opts)
        label, tags, days = naming.prefix(config), naming.tags(config, "confidential", "backups"), config.backups.keep_days
        here = ResourceOptions(parent=self)
        vault = aws.backup.Vault(
            name,
            name=label,
            kms_key_arn=key,
            force_destroy=config.removable,
            tags=tags,
            opts=ResourceOptions(parent=self, protect=not config.removable),
        )
        lock = aws.backup.VaultLockConfiguration(
            name,
            backup_vault_name=vault.name,
            min_retention_days=days,
            max_retention_days=config.retention_of("confidential"),
            changeable_for_days=_GRACE_DAYS if config.lock.mode == "COMPLIANCE" else None,
            opts=here,
        )
        plan = aws.backup.Plan(
            name,
            name=label,
            rules=[
                {
                    "rule_name": "daily",
                    "target_vault_name": vault.name,
                    "schedule": config.backups.schedule,
                    "start_window": 60,
                    "completion_window": 480,
                    "lifecycle": {"delete_after": days},
                    "recovery_point_tags": tags,
                }
            ],
            tags=tags,
            # The first copy already is one that nobody can take away.
            opts=ResourceOptions(parent=self, depends_on=[lock]),
        )
        makes, _ = (self._role(config, role, managed, after) for role, managed in (("backup", "S3Backup"), ("restore", "S3Restore")))
        kept = [naming.bucket_arn(config, bucket.name) for bucket in buckets(config) if bucket.kind in config.backups.buckets]
        aws.backup.Selection(
            name, name="buckets", plan_id=plan.id, iam_role_arn=makes.arn, resources=kept, opts=ResourceOptions(parent=self, depends_on=makes.attached)
        )
        self.register_outputs({})

    def _role(self, config: FoundationConfig, name: str, managed: str, after: Sequence[pulumi.Resource]) -> ServiceRole:
        return ServiceRole(
            name,
            config,
            trust=policies.trusts_backup(config),
            managed=[policies.managed(config, f"AWSBackupServiceRolePolicyFor{managed}")],
            inline={"vault-key": policies.vault_policy(config)},
            purpose=f"{name} of buckets",
            after=after,
            opts=ResourceOptions(parent=self),
        )
