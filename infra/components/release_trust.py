"""Whose releases are believed: the public key by which servers, evaluation and drift check a signature, in every namespace that reads releases."""

from __future__ import annotations

from itertools import product

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components.pods import TRUST, TRUSTED_FILE
from infra.config import naming
from infra.config.model import WorkloadsConfig
from infra.config.teams import as_of


class ReleaseTrust(pulumi.ComponentResource):
    """A ConfigMap per namespace that holds the trusted public key, which comes from config: what is believed is reviewed as all config is.
    A team may believe a key of its own.

    Without a key they are empty, and whoever wants to read a release says that there is no key to trust it by.
    """

    def __init__(self, name: str, config: WorkloadsConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:workloads:ReleaseTrust", name, None, opts)
        for team, purpose in product(("", *(each.name for each in config.teams)), (naming.TRAINING, naming.INFERENCE)):
            namespace, key = naming.of_team(purpose, team), as_of(config, team).trusted_key
            kubernetes.core.v1.ConfigMap(
                f"{name}-{namespace}",
                metadata={"name": TRUST, "namespace": namespace},
                data={TRUSTED_FILE: key} if key else {},
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})
