"""The roles that people and CI take, and the boundaries of everybody's."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
from infra.components.boundaries import Boundaries
from infra.components.pipelines import Pipelines
from infra.config import naming
from infra.config.model import FoundationConfig


class People(pulumi.ComponentResource):
    """Roles `operator` and `auditor`, and those of CI where one is configured. Sessions are short; no role of any kind passes its boundary."""

    role_arns: dict[str, pulumi.Output[str]]
    boundaries: list[pulumi.Resource]
    """What must be there before any role of this stack."""

    def __init__(self, name: str, config: FoundationConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:security:People", name, None, opts)
        self.boundaries = Boundaries("boundaries", config, opts=ResourceOptions(parent=self)).policies
        wanted = {
            "operator": (config.people.operators, policies.operator_policy(config)),
            "auditor": (config.people.auditors, policies.auditor_policy(config)),
        }
        self.role_arns = {
            role: role_of_people(role, config, principals, policy, after=self.boundaries, parent=self) for role, (principals, policy) in wanted.items()
        }
        if config.pipeline is not None:
            Pipelines("pipelines", config, config.pipeline, after=self.boundaries, opts=ResourceOptions(parent=self))
        self.register_outputs({"role_arns": self.role_arns})


def role_of_people(
    role: str,
    config: FoundationConfig,
    principals: Sequence[str],
    policy: str,
    *,
    after: Sequence[pulumi.Resource],
    parent: pulumi.Resource,
    team: str = "",
) -> pulumi.Output[str]:
    """A role that `principals` take for an hour at a time; `after` holds the boundaries. Gives its ARN."""
    made = aws.iam.Role(
        role,
        name=naming.role_name(config, role),
        description=f"Falaj {config.environment}: {role}s",
        assume_role_policy=policies.trusts_people(principals),
        max_session_duration=3600,
        permissions_boundary=naming.boundary_arn(config, "people"),
        tags=naming.tags(config, "internal", "access", team=team),
        opts=ResourceOptions(parent=parent, depends_on=list(after)),
    )
    aws.iam.RolePolicy(role, name=role, role=made.name, policy=policy, opts=ResourceOptions(parent=parent))
    return made.arn
