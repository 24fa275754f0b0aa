"""What NetworkPolicies of ours are made of: nothing at first, then one opening after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infra.config.model import SYSTEM_NAMESPACE

Peer = dict[str, Any]

CLOSED: dict[str, Any] = {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]}
"""Nothing comes in and nothing goes out."""


def network(cidr: str) -> Peer:
    """Whoever has an address in `cidr`."""
    return {"ip_block": {"cidr": cidr}}


def namespace(name: str) -> Peer:
    """Every pod of a namespace."""
    return {"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": name}}}


def to(port: int, cidrs: Iterable[str], within: str | None) -> list[Any]:
    """To one port of a server in those networks, or in namespace `within`; nowhere where neither is named."""
    there = [*(network(cidr) for cidr in cidrs), *([namespace(within)] if within else [])]
    return [{"to": there, "ports": tcp(port)}] if there else []


def tcp(*numbers: int) -> list[dict[str, Any]]:
    """Ports of a policy."""
    return [{"protocol": "TCP", "port": number} for number in numbers]


def tls(cidrs: Iterable[str]) -> Any:
    """To whoever answers by TLS in those networks."""
    return {"to": [network(cidr) for cidr in cidrs], "ports": tcp(443)}


def egress(*openings: Any) -> Any:
    """Spec of a policy that lets every pod of a namespace out so far."""
    return {"pod_selector": {}, "policy_types": ["Egress"], "egress": list(openings)}


NAMES: Any = {
    "to": [{**namespace(SYSTEM_NAMESPACE), "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}}}],
    "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
}
"""To the name service."""
IDENTITY: Any = {"to": [network("169.254.170.23/32")], "ports": tcp(80)}
"""To the agent of the node that hands out pod identities, which answers on a link-local address."""
