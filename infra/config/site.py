"""A site: a cluster of one's own, with a registry and a store of its own, that an environment lies on instead of in a cloud."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import StringConstraints

from infra.config.forms import Frozen, Name

STORE_CLAIM = "store"
"""The volume claim of each namespace through which a folder is reached that is the store."""


class StoreConfig(Frozen):
    """Where data and releases lie: in buckets of a server that speaks S3, or in a folder that the cluster mounts. One of the two."""

    endpoint: Annotated[str, StringConstraints(pattern=r"^https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$")] | None = None
    """Address of the server. Its buckets are named as those of a cloud, without an account: `falaj-<env>-data`, `falaj-<env>-artifacts`."""
    cidrs: tuple[str, ...] = ()
    """Where the server is: the only place outside the cluster that pods may go to."""
    namespace: Name | None = None
    """The namespace whose pods are the server, where it runs on the cluster."""
    secret: Name = "store-access"
    """Secret of each namespace whose key `credentials` is a file of credentials as AWS's own tools read it; whoever runs the server makes it."""
    private_authority: bool = False
    """The server's certificate is signed by the organisation's own authority, which stands under `ca.pem` in that Secret."""
    volumes: Name | None = None
    """Beginning of the names of the persistent volumes that are the folder: `<volumes>-<namespace>` for each namespace, made by the cluster's administrator."""

    @property
    def port(self) -> int:
        """At which the server answers."""
        return urlsplit(self.endpoint or "").port or 443


class SiteConfig(Frozen):
    """What stands for account, region and registry where there is no cloud. Nodes carry the label `falaj/kind`: inference, and gpu where there are any."""

    name: Name
    """The machine room; requests to the store are signed for a region of this name."""
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """Where it is, by ISO 3166."""
    context: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9@:/._-]*$")]
    """Of the kubeconfig (KUBECONFIG, else ~/.kube/config) by which whoever plans and applies reaches the cluster."""
    registry: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9._-]+)*$")]
    """Where images come from, without their names."""
    storage_class: Name
    """Of claims that name no other."""
    store: StoreConfig
