"""Secrets from the cloud's store, as objects of External Secrets: the Secrets that workloads mount come and change without anybody's hands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi import ResourceOptions

from infra.components.custom_objects import custom_object
from infra.config import naming
from infra.config.model import PlatformStackConfig, TeamConfig

_VERSION = "external-secrets.io/v1"
_STORE = "falaj"


class ExternalSecrets(pulumi.ComponentResource):
    """A store that the training namespace alone may ask, and one ExternalSecret per Secret; for each team that has secrets of its own a store in its
    own training namespace, which the controller asks in the team's role.

    The store names no credential: the controller has an identity of its own. What is taken out of the cloud's store stays on the cluster until somebody
    deletes it there: a mistake in one place does not end jobs in the other.
    """

    def __init__(self, name: str, config: PlatformStackConfig, *, after: Sequence[pulumi.Resource], opts: ResourceOptions | None = None) -> None:
        """`after` holds the training namespaces."""
        super().__init__("falaj:platform:ExternalSecrets", name, None, opts)
        self._here = ResourceOptions(parent=self, depends_on=list(after))
        provider = {"aws": self._asked(config)}
        self._make("ClusterSecretStore", name, {"name": _STORE}, {"provider": provider, "conditions": [{"namespaces": [naming.TRAINING]}]})
        for secret in naming.SECRETS:
            self._make("ExternalSecret", f"{name}-{secret}", {"name": secret, "namespace": naming.TRAINING}, external(config, secret))
        for team in config.teams:
            self._of_team(f"{name}-{team.name}", config, team)
        self.register_outputs({})

    def _of_team(self, label: str, config: PlatformStackConfig, team: TeamConfig) -> None:
        """A store of the namespace's own, whatever it names: no other namespace can ask it, and in the team's role no other team's secrets are read."""
        if team.secrets:
            namespace, role = naming.of_team(naming.TRAINING, team.name), naming.role_arn(config, naming.secrets_role(team.name))
            self._make("SecretStore", label, {"name": _STORE, "namespace": namespace}, {"provider": {"aws": {**self._asked(config), "role": role}}})
        for secret in team.secrets:
            metadata = {"name": secret, "namespace": naming.of_team(naming.TRAINING, team.name)}
            self._make("ExternalSecret", f"{label}-{secret}", metadata, external(config, secret, team.name))

    @staticmethod
    def _asked(config: PlatformStackConfig) -> dict[str, str]:
        return {"service": "SecretsManager", "region": config.region}

    def _make(self, kind: str, name: str, metadata: dict[str, str], spec: dict[str, Any]) -> None:
        custom_object(_VERSION, kind, name, metadata, {"spec": spec}, self._here)


def external(config: PlatformStackConfig, secret: str, team: str = "") -> dict[str, Any]:
    """Spec of an ExternalSecret: every key of one secret of the environment's, or of a team's by the team's own store, looked at every hour."""
    return {
        "refreshInterval": "1h",
        "secretStoreRef": {"kind": "SecretStore" if team else "ClusterSecretStore", "name": _STORE},
        "target": {"name": secret, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        # Whole: taken key by key, names of keys would stand where the gate looks for a secret in plain text (`secretKey`).
        "dataFrom": [{"extract": {"key": naming.secret_name(config, secret, team)}}],
    }
