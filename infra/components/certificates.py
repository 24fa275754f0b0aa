"""Certificates for what speaks TLS inside the cluster: an authority of the environment's own, as objects of cert-manager."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pulumi
from pulumi import ResourceOptions

from infra.components.custom_objects import custom_object
from infra.config.model import PlatformStackConfig

_VERSION = "cert-manager.io/v1"
_NAMESPACE = "cert-manager"
"""Where EKS's add-on puts the controller, and where it looks for secrets of issuers of the whole cluster."""
_BEGINNING, _AUTHORITY, AUTHORITY = "falaj-beginning", "falaj-authority", "falaj"


class Certificates(pulumi.ComponentResource):
    """An issuer `falaj` for all namespaces, whose key never leaves the cluster; no name of ours is told to anybody outside."""

    def __init__(self, name: str, config: PlatformStackConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:platform:Certificates", name, None, opts)
        beginning = self._make("ClusterIssuer", f"{name}-beginning", {"name": _BEGINNING}, {"selfSigned": {}}, [])
        spec = {
            "isCA": True,
            "commonName": f"falaj-{config.environment}",
            "secretName": _AUTHORITY,
            # Ten years, renewed a year before: whoever trusts it has time to learn the next one.
            "duration": "87600h",
            "renewBefore": "8760h",
            "privateKey": {"algorithm": "ECDSA", "size": 384, "rotationPolicy": "Never"},
            "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": _BEGINNING},
        }
        authority = self._make("Certificate", f"{name}-authority", {"name": _AUTHORITY, "namespace": _NAMESPACE}, spec, [beginning])
        self._make("ClusterIssuer", name, {"name": AUTHORITY}, {"ca": {"secretName": _AUTHORITY}}, [authority])
        self.register_outputs({})

    def _make(self, kind: str, name: str, metadata: dict[str, str], spec: dict[str, Any], after: list[pulumi.Resource]) -> pulumi.Resource:
        return custom_object(_VERSION, kind, name, metadata, {"spec": spec}, ResourceOptions(parent=self, depends_on=after))


def issue(
    label: str, *, name: str, namespace: pulumi.Input[str], usage: Literal["server auth", "client auth"], names: Sequence[str], opts: ResourceOptions
) -> pulumi.Resource:
    """A certificate of our authority for `names`, kept as the Secret `name` (tls.crt, tls.key, ca.crt): of 90 days, with a new key a month before its end."""
    spec = {
        "secretName": name,
        "dnsNames": list(names),
        "usages": ["digital signature", usage],
        "duration": "2160h",
        "renewBefore": "720h",
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": AUTHORITY},
    }
    return custom_object(_VERSION, "Certificate", label, {"name": name, "namespace": namespace}, {"spec": spec}, opts)
