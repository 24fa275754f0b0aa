"""What External Secrets needs of AWS: an identity that reads the environment's own secrets."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
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
        aws.eks.PodIdentityAssociation(
            name,
            cluster_name=cluster,
            namespace=naming.EXTERNAL_SECRETS,
            service_account=naming.EXTERNAL_SECRETS,
            role_arn=role.arn,
            tags=naming.tags(config, "internal", "access"),
            opts=ResourceOptions(parent=self, depends_on=role.attached),
        )
        self.register_outputs({})
