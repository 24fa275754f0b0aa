"""What each team has of its own below the cluster: keys, buckets, repositories and the role of its people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import ResourceOptions

from infra.components import policies
from infra.components.buckets import Storage
from infra.components.iam import role_of_people
from infra.components.keys import DataKeys
from infra.components.registry import Registry
from infra.components.secrets import SecretPlaces
from infra.config import naming
from infra.config.classes import ClassName
from infra.config.model import FoundationConfig, TeamConfig


class Teams(pulumi.ComponentResource):
    """Per team of the list: a key for each data class it stores, its data and artifacts buckets under them, its repositories and its people's role.

    Names are those of the environment's own with the team before them, such as `risk-data`.
    """

    key_arns: dict[str, pulumi.Output[str]]
    bucket_names: dict[str, pulumi.Output[str]]
    repository_urls: dict[str, pulumi.Output[str]]
    role_arns: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, config: FoundationConfig, *, after: Sequence[pulumi.Resource], opts: ResourceOptions | None = None) -> None:
        """`after` holds the boundaries of the roles."""
        super().__init__("falaj:teams:Teams", name, None, opts)
        self.key_arns, self.bucket_names, self.repository_urls, self.role_arns = {}, {}, {}, {}
        for team in config.teams:
            self._add(team, config, after)
        self.register_outputs({"key_arns": self.key_arns, "bucket_names": self.bucket_names, "role_arns": self.role_arns})

    def beside(
        self,
        *,
        keys: Mapping[ClassName, pulumi.Output[str]],
        buckets: Mapping[str, pulumi.Output[str]],
        repositories: Mapping[str, pulumi.Output[str]],
        roles: Mapping[str, pulumi.Output[str]],
    ) -> dict[str, Any]:
        """What the environment has of each kind and what its teams have, in one mapping a kind, as the stack publishes it."""
        return {
            "key_arns": pulumi.Output.all(**keys, **self.key_arns),
            "bucket_names": pulumi.Output.all(**buckets, **self.bucket_names),
            "repository_urls": pulumi.Output.all(**repositories, **self.repository_urls),
            "role_arns": pulumi.Output.all(**roles, **self.role_arns),
        }

    def _add(self, team: TeamConfig, config: FoundationConfig, after: Sequence[pulumi.Resource]) -> None:
        here = ResourceOptions(parent=self)
        keys = DataKeys(naming.of_team("keys", team.name), config, team=team, opts=here)
        storage = Storage(naming.of_team("storage", team.name), config, keys=keys.arns, team=team, opts=here)
        registry = Registry(naming.of_team("registry", team.name), config, key=keys.arns["confidential"], team=team.name, opts=here)
        role = naming.of_team(naming.ENGINEER, team.name)
        self.role_arns[role] = role_of_people(role, config, team.people, policies.operator_policy(config), after=after, parent=self, team=team.name)
        if team.secrets:
            SecretPlaces(naming.of_team("secrets", team.name), config, keys=keys.arns, team=team, opts=here)
        self.key_arns |= {naming.of_team(data_class, team.name): key for data_class, key in keys.arns.items()}
        self.bucket_names |= storage.names
        self.repository_urls |= registry.urls
