"""Secrets that workloads mount, in the cloud's store: their places, never what is in them."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.classes import ClassName
from infra.config.model import SECRETS_CLASS, FoundationConfig


class SecretPlaces(pulumi.ComponentResource):
    """One empty secret per Secret of the workloads, under the key of confidential data. People and jobs fill them: no plan or state ever has a value."""

    def __init__(
        self,
        name: str,
        config: FoundationConfig,
        *,
        keys: Mapping[ClassName, pulumi.Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("falaj:security:SecretPlaces", name, None, opts)
        for secret in wanted(config):
            aws.secretsmanager.Secret(
                secret,
                name=naming.secret_name(config, secret),
                description=f"Falaj {config.environment}: {secret}",
                kms_key_id=keys[SECRETS_CLASS],
                recovery_window_in_days=0 if config.removable else 30,
                tags=naming.tags(config, SECRETS_CLASS, "access"),
                opts=ResourceOptions(parent=self, protect=not config.removable),
            )
        self.register_outputs({})


def wanted(config: FoundationConfig) -> list[str]:
    """Secrets that the cloud's store has a place for: all where External Secrets brings them, else the one that a job of ours writes."""
    return [each for each in naming.SECRETS if config.secrets == "external" or (config.tracking == "server" and each == naming.TUNE_SECRET)]
