"""Secrets that workloads mount, in the cloud's store: their places, never what is in them."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.classes import ClassName
from infra.config.model import SECRETS_CLASS, FoundationConfig, TeamConfig


class SecretPlaces(pulumi.ComponentResource):
    """One empty secret per Secret of the workloads, or of a team's list, under the key of confidential data.

    People and jobs fill them: no plan or state ever has a value.
    """

    def __init__(
        self,
        name: str,
        config: FoundationConfig,
        *,
        keys: Mapping[ClassName, pulumi.Input[str]],
        team: TeamConfig | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        """Of the environment itself, or of `team`, whose `keys` are then its own."""
        super().__init__("falaj:security:SecretPlaces", name, None, opts)
        owner = team.name if team else ""
        for secret in team.secrets if team else wanted(config):
            label = naming.of_team(secret, owner)
            aws.secretsmanager.Secret(
                label,
                name=naming.secret_name(config, secret, owner),
                description=f"Falaj {config.environment}: {label}",
                kms_key_id=keys[SECRETS_CLASS],
                recovery_window_in_days=0 if config.removable else 30,
                tags=naming.tags(config, SECRETS_CLASS, "access", team=owner),
                opts=ResourceOptions(parent=self, protect=not config.removable),
            )
        self.register_outputs({})


def wanted(config: FoundationConfig) -> list[str]:
    """Secrets that the cloud's store has a place for: all where External Secrets brings them, else the one that a job of ours writes."""
    return [each for each in naming.SECRETS if config.secrets == "external" or (config.tracking == "server" and each == naming.TUNE_SECRET)]
