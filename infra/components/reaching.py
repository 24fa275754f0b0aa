"""How pods of the platform reach what lies outside the cluster: shared files always, a database and secrets where config asks for them."""

from __future__ import annotations

from pulumi import ResourceOptions

from infra.components.cluster import Cluster
from infra.components.contracts import FoundationOutputs
from infra.components.files_access import FilesAccess
from infra.components.secrets_access import SecretsAccess
from infra.components.tracking_access import TrackingAccess
from infra.config.model import ClusterConfig


def reaching(config: ClusterConfig, *, cluster: Cluster, foundation: FoundationOutputs, opts: ResourceOptions) -> None:
    """`FilesAccess`, and `TrackingAccess` and `SecretsAccess` where runs are tracked by a server and secrets come from the cloud's store."""
    FilesAccess("files", config, cluster=cluster, foundation=foundation, opts=opts)
    if config.tracking == "server":
        TrackingAccess("tracking", config, cluster=cluster, foundation=foundation, opts=opts)
    if config.secrets == "external":
        SecretsAccess("secrets", config, cluster=cluster.name, opts=opts)
