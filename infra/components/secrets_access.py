"""What External Secrets needs of AWS: an identity that reads the environment's own secrets."""

from __future__ import annotations

import pulumi
from pulumi import ResourceOptions

from infra.components import policies, reach
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import ClusterConfig


class SecretsAccess(pulumi.ComponentResource):
    """A role for the controller's one service account, by EKS Pod Identity, and one for each team's own secrets, which only it can take.

    No other pod can ask for a secret, and in no role the controller reads those of two.
    """

    def __init__(self, name: str, config: ClusterConfig, *, cluster: pulumi.Input[str], opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:cluster:SecretsAccess", name, None, opts)
        teams = [team.name for team in config.teams if team.secrets]
        taking = {"teams": policies.document(policies.taking_roles(config, teams))} if teams else {}
        role = ServiceRole(
            naming.EXTERNAL_SECRETS,
            config,
            trust=policies.trusts_pods(config, naming.EXTERNAL_SECRETS, naming.EXTERNAL_SECRETS),
            inline={"secrets": policies.secrets_policy(config), **taking},
            purpose="External Secrets",
            opts=ResourceOptions(parent=self),
        )
        tags = naming.tags(config, "internal", "access")
        reach.give(name, role, cluster=cluster, namespace=naming.EXTERNAL_SECRETS, account=naming.EXTERNAL_SECRETS, tags=tags, parent=self)
        for team in teams:
            ServiceRole(
                naming.secrets_role(team),
                config,
                trust=policies.trusts_controller(config),
                inline={"secrets": policies.secrets_policy(config, team)},
                boundary="workloads",
                purpose=f"secrets of {team}",
                team=team,
                # Whom a role trusts must be there before it.
                after=[role],
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})
