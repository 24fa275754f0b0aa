"""What External Secrets needs of AWS: an identity that reads the environment's own secrets."""

from __future__ import annotations

import pulumi
from pulumi import ResourceOptions

from infra.components import policies, reach
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import ClusterConfig


class SecretsAccess(pulumi.ComponentResource):
    """A role for the controller's one service account, by EKS Pod Identity. No other pod can ask for a secret."""

    def __init__(self, name: str, config: ClusterConfig, *, cluster: pulumi.Input[str], opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:cluster:SecretsAccess", name, None, opts)
        role = ServiceRole(
            naming.EXTERNAL_SECRETS,
            config,
            trust=policies.trusts_pods(config, naming.EXTERNAL_SECRETS, naming.EXTERNAL_SECRETS),
            inline={"secrets": policies.secrets_policy(config)},
            purpose="External Secrets",
            opts=ResourceOptions(parent=self),
        )
        tags = naming.tags(config, "internal", "access")
        reach.give(name, role, cluster=cluster, namespace=naming.EXTERNAL_SECRETS, account=naming.EXTERNAL_SECRETS, tags=tags, parent=self)
        self.register_outputs({})
