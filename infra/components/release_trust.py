"""Whose releases are believed: the public key by which servers, evaluation and drift check a signature, in every namespace that reads releases."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components.pods import TRUST, TRUSTED_FILE
from infra.config import naming
from infra.config.model import WorkloadsConfig


class ReleaseTrust(pulumi.ComponentResource):
    """A ConfigMap per namespace that holds the trusted public key, which comes from config: what is believed is reviewed as all config is.

    Without a key they are empty, and whoever wants to read a release says that there is no key to trust it by.
    """

    def __init__(self, name: str, config: WorkloadsConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:workloads:ReleaseTrust", name, None, opts)
        for namespace in (naming.TRAINING, naming.INFERENCE):
            kubernetes.core.v1.ConfigMap(
                f"{name}-{namespace}",
                metadata={"name": TRUST, "namespace": namespace},
                data={TRUSTED_FILE: config.trusted_key} if config.trusted_key else {},
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})
