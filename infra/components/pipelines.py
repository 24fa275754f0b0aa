"""The roles of CI, taken by jobs that GitHub vouches for."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import pipeline_policies
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import FoundationConfig, PipelineConfig


class Pipelines(pulumi.ComponentResource):
    """GitHub as a provider of identities, and the roles `reader` and `deployer`, each bound to one subject of one repository.

    An account has at most one such provider: where somebody has made it already, it is imported.
    """

    def __init__(
        self, name: str, config: FoundationConfig, pipeline: PipelineConfig, *, after: Sequence[pulumi.Resource], opts: ResourceOptions | None = None
    ) -> None:
        """`after` holds the boundaries of the roles."""
        super().__init__("falaj:security:Pipelines", name, None, opts)
        provider = aws.iam.OpenIdConnectProvider(
            name,
            url=f"https://{naming.GITHUB}",
            client_id_lists=["sts.amazonaws.com"],
            tags=naming.tags(config, "internal", "access"),
            opts=ResourceOptions(parent=self),
        )
        subjects = {
            naming.READER: pipeline_policies.subject_of_reader(pipeline),
            naming.DEPLOYER: pipeline_policies.subject_of_deployer(config, pipeline),
        }
        documents = {naming.READER: pipeline_policies.reader_policy(config), naming.DEPLOYER: pipeline_policies.deployer_policy(config)}
        for role, subject in subjects.items():
            ServiceRole(
                role,
                config,
                trust=pipeline_policies.trusts_jobs(config, subject),
                inline={role: documents[role]},
                boundary="pipelines",
                purpose=f"{role} of CI",
                after=[*after, provider],
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})
