"""A role for a machine or a pod: one trust, the policies it needs, one boundary, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.model import Common


class ServiceRole(pulumi.ComponentResource):
    """IAM role `falaj-<env>-<name>` with policies of AWS by ARN and own ones by document, ready only when all of them are attached."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        config: Common,
        *,
        trust: str,
        managed: Sequence[str] = (),
        inline: Mapping[str, str] | None = None,
        boundary: naming.Boundary = "services",
        purpose: str,
        team: str = "",
        after: Sequence[pulumi.Resource] = (),
        opts: ResourceOptions | None = None,
    ) -> None:
        """`after` holds the boundaries, where they are made in the same stack."""
        super().__init__("falaj:security:ServiceRole", name, None, opts)
        here = ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            name=naming.role_name(config, name),
            description=f"Falaj {config.environment}: {purpose}",
            assume_role_policy=trust,
            permissions_boundary=naming.boundary_arn(config, boundary),
            tags=naming.tags(config, "internal", "access", team=team),
            opts=ResourceOptions(parent=self, depends_on=list(after)),
        )
        attached: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(f"{name}-{arn.rsplit('/', 1)[-1]}", role=role.name, policy_arn=arn, opts=here) for arn in managed
        ]
        attached += [aws.iam.RolePolicy(f"{name}-{key}", name=key, role=role.name, policy=policy, opts=here) for key, policy in (inline or {}).items()]
        self.attached = attached
        self.name, self.arn = role.name, role.arn
        self.register_outputs({"name": self.name, "arn": self.arn})
