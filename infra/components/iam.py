"""The roles that people take, and the most that any workload may ever be given."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
from infra.config import naming
from infra.config.model import FoundationConfig


class People(pulumi.ComponentResource):
    """Roles `operator` and `auditor`, and the permissions boundary of workloads. Sessions are short, and each carries a name."""

    role_arns: dict[str, pulumi.Output[str]]
    boundary_arn: pulumi.Output[str]

    def __init__(self, name: str, config: FoundationConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:security:People", name, None, opts)
        self._tags = naming.tags(config, "internal", "access")
        wanted = {
            "operator": (config.people.operators, policies.operator_policy(config)),
            "auditor": (config.people.auditors, policies.auditor_policy(config)),
        }
        self.role_arns = {role: self._role(config, role, principals, policy) for role, (principals, policy) in wanted.items()}
        boundary = aws.iam.Policy(
            f"{name}-boundary",
            name=naming.role_name(config, "workload-boundary"),
            description="The most that a role of a workload can have",
            policy=policies.boundary(config),
            tags=self._tags,
            opts=ResourceOptions(parent=self),
        )
        self.boundary_arn = boundary.arn
        self.register_outputs({"role_arns": self.role_arns, "boundary_arn": self.boundary_arn})

    def _role(self, config: FoundationConfig, role: str, principals: tuple[str, ...], policy: str) -> pulumi.Output[str]:
        here = ResourceOptions(parent=self)
        made = aws.iam.Role(
            role,
            name=naming.role_name(config, role),
            description=f"Falaj {config.environment}: {role}s",
            assume_role_policy=policies.trusts_people(principals),
            max_session_duration=3600,
            tags=self._tags,
            opts=here,
        )
        aws.iam.RolePolicy(role, name=role, role=made.name, policy=policy, opts=here)
        return made.arn
