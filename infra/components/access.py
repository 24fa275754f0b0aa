"""Who may do what on the cluster: people by access entries, pods by identities bound to one service account."""

from __future__ import annotations

from itertools import product

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies, reach
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import AccessConfig, ClusterConfig
from infra.config.teams import access_of

_CI = tuple(AccessConfig(role=role, policy="AmazonEKSViewPolicy", groups=(group,)) for role, group in naming.CI_GROUPS.items())
"""Both look at the cluster; what the one that applies may change there is said by the roles in it (`pipeline_rights`)."""


class Access(pulumi.ComponentResource):
    """One access entry with one EKS access policy per configured role, per team and, where asked for, per role of CI; roles by name, so that a gate
    can read who gets what. A role of CI that config names itself gets what is said there."""

    def __init__(
        self,
        name: str,
        config: ClusterConfig,
        *,
        cluster: pulumi.Input[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("falaj:cluster:Access", name, None, opts)
        named = {entry.role for entry in config.access}
        own = [*config.access, *(entry for entry in _CI if config.ci and entry.role not in named)]
        for entry, team in [*((entry, "") for entry in own), *((access_of(team), team.name) for team in config.teams)]:
            self._entry(entry, config, cluster, naming.role_arn(config, entry.role), team)
        self.register_outputs({})

    def _entry(self, entry: AccessConfig, config: ClusterConfig, cluster: pulumi.Input[str], principal: str, team: str) -> None:
        made = aws.eks.AccessEntry(
            entry.role,
            cluster_name=cluster,
            principal_arn=principal,
            kubernetes_groups=list(entry.groups),
            type="STANDARD",
            tags=naming.tags(config, "internal", "access", team=team),
            opts=ResourceOptions(parent=self),
        )
        scope: aws.eks.AccessPolicyAssociationAccessScopeArgsDict = {"type": "cluster"}
        if entry.namespaces:
            scope = {"type": "namespace", "namespaces": list(entry.namespaces)}
        aws.eks.AccessPolicyAssociation(
            entry.role,
            cluster_name=cluster,
            principal_arn=principal,
            policy_arn=f"arn:{config.partition}:eks::aws:cluster-access-policy/{entry.policy}",
            access_scope=scope,
            opts=ResourceOptions(parent=self, depends_on=[made]),
        )


class PodIdentities(pulumi.ComponentResource):
    """A role per workload namespace, taken by its one service account and bounded as all workloads are."""

    role_arns: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, config: ClusterConfig, *, cluster: pulumi.Input[str], opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:cluster:PodIdentities", name, None, opts)
        documents = {naming.TRAINING: policies.training_policy, naming.INFERENCE: policies.inference_policy}
        self.role_arns = {}
        for team, (purpose, account) in product(("", *(each.name for each in config.teams)), naming.SERVICE_ACCOUNTS.items()):
            namespace = naming.of_team(purpose, team)
            role = ServiceRole(
                namespace,
                config,
                trust=policies.trusts_pods(config, namespace, account),
                inline={"buckets": documents[purpose](config, team)},
                boundary="workloads",
                purpose=f"pods of {namespace}",
                team=team,
                opts=ResourceOptions(parent=self),
            )
            tags = naming.tags(config, "internal", "access", team=team)
            reach.give(namespace, role, cluster=cluster, namespace=namespace, account=account, tags=tags, parent=self)
            self.role_arns[namespace] = role.arn
        self.register_outputs({"role_arns": self.role_arns})
