"""Secrets from the cloud's store, as objects of External Secrets: the Secrets that workloads mount come and change without anybody's hands."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.model import PlatformStackConfig

_VERSION = "external-secrets.io/v1"
_STORE = "falaj"


class ExternalSecrets(pulumi.ComponentResource):
    """A store that the training namespace alone may ask, and one ExternalSecret per Secret.

    The store names no credential: the controller has an identity of its own. What is taken out of the cloud's store stays on the cluster until somebody
    deletes it there: a mistake in one place does not end jobs in the other.
    """

    def __init__(self, name: str, config: PlatformStackConfig, *, after: pulumi.Resource, opts: ResourceOptions | None = None) -> None:
        """`after` is the training namespace."""
        super().__init__("falaj:platform:ExternalSecrets", name, None, opts)
        self._here = ResourceOptions(parent=self, depends_on=[after])
        provider = {"aws": {"service": "SecretsManager", "region": config.region}}
        self._make("ClusterSecretStore", name, {"name": _STORE}, {"provider": provider, "conditions": [{"namespaces": [naming.TRAINING]}]})
        for secret in naming.SECRETS:
            self._make("ExternalSecret", f"{name}-{secret}", {"name": secret, "namespace": naming.TRAINING}, external(config, secret))
        self.register_outputs({})

    def _make(self, kind: str, name: str, metadata: dict[str, str], spec: dict[str, Any]) -> None:
        props = {"apiVersion": _VERSION, "kind": kind, "metadata": metadata, "spec": spec}
        pulumi.CustomResource(f"kubernetes:{_VERSION}:{kind}", name, props, self._here)


def external(config: PlatformStackConfig, secret: str) -> dict[str, Any]:
    """Spec of an ExternalSecret: every key of one secret of the environment's, looked at every hour."""
    return {
        "refreshInterval": "1h",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": _STORE},
        "target": {"name": secret, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        # Whole: taken key by key, names of keys would stand where the gate looks for a secret in plain text (`secretKey`).
        "dataFrom": [{"extract": {"key": naming.secret_name(config, secret)}}],
    }
