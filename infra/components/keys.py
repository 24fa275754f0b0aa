"""Encryption keys: one per data class, so that access to one class can be given and taken without touching another."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
from infra.config import naming
from infra.config.classes import ClassName
from infra.config.model import BUCKETS, FoundationConfig, TeamConfig
from infra.config.teams import classes_of

STORED: tuple[ClassName, ...] = tuple(sorted({bucket.data_class for bucket in BUCKETS}))
"""The classes that are stored, and so have a key."""


class DataKeys(pulumi.ComponentResource):
    """One rotating symmetric key with an alias per stored data class, never multi-region; a team's own where one is given."""

    arns: dict[ClassName, pulumi.Output[str]]

    def __init__(self, name: str, config: FoundationConfig, *, team: TeamConfig | None = None, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:security:DataKeys", name, None, opts)
        self._team = team.name if team else ""
        self.arns = {data_class: self._key(name, config, data_class) for data_class in (classes_of(team) if team else STORED)}
        self.register_outputs({"arns": self.arns})

    def _key(self, name: str, config: FoundationConfig, data_class: ClassName) -> pulumi.Output[str]:
        key = aws.kms.Key(
            f"{name}-{data_class}",
            description=f"Falaj {config.environment}: data of class {data_class}" + (f", team {self._team}" if self._team else ""),
            policy=policies.key_policy(config, data_class, self._team),
            enable_key_rotation=True,
            rotation_period_in_days=config.keys.rotation_days,
            deletion_window_in_days=config.keys.deletion_days,
            multi_region=False,
            tags=naming.tags(config, data_class, "encryption", team=self._team),
            # A key that is gone takes its data with it.
            opts=ResourceOptions(parent=self, protect=not config.removable),
        )
        alias = naming.key_alias(config, data_class, self._team)
        aws.kms.Alias(f"{name}-{data_class}", name=alias, target_key_id=key.key_id, opts=ResourceOptions(parent=self))
        return key.arn
