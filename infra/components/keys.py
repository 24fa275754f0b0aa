"""Encryption keys: one per data class, so that access to one class can be given and taken without touching another."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
from infra.config import naming
from infra.config.classes import ClassName
from infra.config.model import BUCKETS, FoundationConfig

STORED: tuple[ClassName, ...] = tuple(sorted({bucket.data_class for bucket in BUCKETS}))
"""The classes that are stored, and so have a key."""


class DataKeys(pulumi.ComponentResource):
    """One rotating symmetric key with an alias per stored data class, never multi-region."""

    arns: dict[ClassName, pulumi.Output[str]]

    def __init__(self, name: str, config: FoundationConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:security:DataKeys", name, None, opts)
        self.arns = {data_class: self._key(name, config, data_class) for data_class in STORED}
        self.register_outputs({"arns": self.arns})

    def _key(self, name: str, config: FoundationConfig, data_class: ClassName) -> pulumi.Output[str]:
        key = aws.kms.Key(
            f"{name}-{data_class}",
            description=f"Falaj {config.environment}: data of class {data_class}",
            policy=policies.key_policy(config, data_class),
            enable_key_rotation=True,
            rotation_period_in_days=config.keys.rotation_days,
            deletion_window_in_days=config.keys.deletion_days,
            multi_region=False,
            tags=naming.tags(config, data_class, "encryption"),
            # A key that is gone takes its data with it.
            opts=ResourceOptions(parent=self, protect=not config.removable),
        )
        aws.kms.Alias(f"{name}-{data_class}", name=naming.key_alias(config, data_class), target_key_id=key.key_id, opts=ResourceOptions(parent=self))
        return key.arn
