"""Parts of the platform that are there where config asks for them, and not otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi import ResourceOptions

from infra.components.certificates import Certificates
from infra.components.claims import GpuClass
from infra.components.contracts import FoundationOutputs, upstream
from infra.components.dashboards import Dashboards
from infra.components.external_secrets import ExternalSecrets
from infra.components.fabric_plugin import FabricPlugin
from infra.components.namespaces import Priorities, TeamNamespace
from infra.components.queues import Queues
from infra.components.scaled_pools import ScaledPools
from infra.components.tracking import Tracking
from infra.config import naming
from infra.config.model import PlatformStackConfig


def on_request(config: PlatformStackConfig, *, rooms: Mapping[str, TeamNamespace], priorities: Priorities, opts: ResourceOptions) -> None:
    """Pools of Karpenter, GPUs by claims, the plugin for EFA, the MLflow server, secrets from the cloud's store, certificates, dashboards, queues of Kueue.

    `rooms` holds the namespaces by name.
    """
    if config.scales:
        ScaledPools("pools", config, opts=opts)
    issuers = [Certificates("certificates", config, opts=opts)] if config.certificates else []
    if server := config.tracking_server:
        foundation = upstream(FoundationOutputs)
        where = {"database": foundation.database, "buckets": foundation.bucket_names, "priority": priorities.names["serving"]}
        Tracking(naming.TRACKING, config, server, **where, after=[rooms[naming.TRAINING], *issuers], opts=opts)
    if config.secrets == "external":
        training = [rooms[naming.of_team(naming.TRAINING, team)] for team in ("", *(each.name for each in config.teams))]
        ExternalSecrets("secrets", config, after=training, opts=opts)
    if config.devices == "claims":
        GpuClass("gpu-class", opts=opts)
    if config.fabric_plugin:
        FabricPlugin("fabric-plugin", config, config.fabric_plugin, opts=opts)
    if config.dashboards:
        Dashboards("dashboards", config.dashboards, opts=opts)
    if config.queues == "kueue":
        Queues("queues", config, after=list(rooms.values()), opts=opts)
