"""Which provider serves a package: the sandbox's in `local`, the cluster's alone on a site, the same ones offline for every other environment."""

from __future__ import annotations

import importlib
from typing import Any

from pulumi.provider.experimental import provider as rpc

from falaj.errors import UsageError
from infra.engine.embedded.planning import PlanningProvider
from infra.engine.embedded.providers import ProviderSource, no_provider

SANDBOX: dict[str, str] = {
    "aws": "infra.sandbox.aws.provider:AwsProvider",
    "kubernetes": "infra.sandbox.kubernetes.provider:KubernetesProvider",
}
"""Package -> provider class, loaded on use."""


def sandbox_class(package: str) -> Any:
    """The class behind a package of the table."""
    module, _, name = SANDBOX[package].partition(":")
    return getattr(importlib.import_module(module), name)


def applying(package: str) -> rpc.Provider:
    """The providers of the local environment. Raises UsageError for a package it does not have."""
    if package not in SANDBOX:
        raise no_provider(package)
    return sandbox_class(package)()


def on_site(package: str) -> rpc.Provider:
    """The one provider of an environment that lies on a site: that of its cluster. Raises UsageError for any other package."""
    if package != "kubernetes":
        raise UsageError(
            f"a site has no provider for package '{package}'",
            given=package,
            allowed="kubernetes",
            why="there is a cluster, and no cloud",
            next="leave those resources out there",
        )
    return sandbox_class(package)(anywhere=True)


def planning(package: str) -> rpc.Provider:
    """Providers that only plan: any package has one."""
    return sandbox_class(package)(offline=True) if package in SANDBOX else PlanningProvider()


def source_for(environment: str, *, project_is_ours: bool = True) -> ProviderSource:
    """Connected providers for our stacks in `local`, planning ones for everything else."""
    return applying if environment == "local" and project_is_ours else planning
