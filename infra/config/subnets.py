"""CIDR arithmetic: how one network is cut into a subnet per purpose and zone. Pure; the same input gives the same subnets for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from falaj.errors import UsageError
from infra.config.model import NetworkConfig

_LARGEST, _SMALLEST = 16, 28
"""Prefix lengths that a VPC and its subnets may have: docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""


@dataclass(frozen=True)
class ZoneSubnets:
    """The subnets of one zone: `nodes` for machines and pods, `endpoints` for VPC endpoints and the control plane's interfaces.

    Where there is a way out, `firewall` is for what looks at it and `outside` for the gateway behind that; else both are empty.
    """

    zone: str
    nodes: str
    endpoints: str
    firewall: str = ""
    outside: str = ""


def cut(network: NetworkConfig, zones: Sequence[str]) -> tuple[ZoneSubnets, ...]:
    """The subnets of a configured network. Raises UsageError when they do not fit."""
    return carve(network.cidr, zones, nodes_prefix=network.nodes_prefix, endpoints_prefix=network.endpoints_prefix, way_out=network.egress is not None)


def carve(cidr: str, zones: Sequence[str], *, nodes_prefix: int, endpoints_prefix: int, way_out: bool = False) -> tuple[ZoneSubnets, ...]:
    """Cut `cidr` for `zones`: node subnets from the bottom, endpoint subnets behind them, and from the top what a way out needs. Nothing overlaps.

    A zone added at the end leaves the node subnets of the others where they are, and a way out moves nothing. Raises UsageError when it does not fit.
    """
    network = parse(cidr)
    for what, prefix in (("nodes", nodes_prefix), ("endpoints", endpoints_prefix)):
        if not network.prefixlen < prefix <= _SMALLEST:
            raise UsageError(
                f"network: a /{prefix} subnet for {what} cannot be cut from {cidr}",
                given=f"/{prefix}",
                allowed=f"/{network.prefixlen + 1} to /{_SMALLEST}",
                why="a subnet is smaller than its network, and no subnet of a VPC is smaller than /28",
                next="choose another prefix length",
            )
    step, small = 1 << (32 - nodes_prefix), 1 << (32 - endpoints_prefix)
    first = int(network.network_address)
    # Endpoint subnets are aligned to their own size, whichever of the two sizes is larger.
    behind = -(-(first + step * len(zones)) // small) * small
    least = 1 << (32 - _SMALLEST)
    top = first + network.num_addresses
    used = behind + small * len(zones) - first + (2 * least * len(zones) if way_out else 0)
    if used > network.num_addresses:
        more = f", and two of /{_SMALLEST} for the way out" if way_out else ""
        raise UsageError(
            f"network: {cidr} is too small for {len(zones)} zones",
            given=f"/{nodes_prefix} for nodes and /{endpoints_prefix} for endpoints{more} in each of {', '.join(zones)}",
            allowed=f"{network.num_addresses} addresses; {used} would be needed",
            why="every zone needs all of its subnets",
            next="take a larger network, fewer zones or smaller subnets",
        )

    def smallest(number: int) -> str:
        return str(IPv4Network((top - least * number, _SMALLEST))) if way_out else ""

    return tuple(
        ZoneSubnets(
            zone,
            str(IPv4Network((first + step * index, nodes_prefix))),
            str(IPv4Network((behind + small * index, endpoints_prefix))),
            firewall=smallest(2 * index + 1),
            outside=smallest(2 * index + 2),
        )
        for index, zone in enumerate(zones)
    )


def parse(cidr: str) -> IPv4Network:
    """`cidr` as a network that a VPC can have. Raises UsageError for text that is none, host bits set, a public range or a bad size."""
    try:
        network = IPv4Network(cidr)
    except ValueError as problem:
        raise UsageError(
            f"network: '{cidr}' is not a network", given=cidr, allowed="such as 10.40.0.0/16", why=str(problem), next="give the network address"
        ) from problem
    if not network.is_private or not _LARGEST <= network.prefixlen <= _SMALLEST:
        raise UsageError(
            f"network: '{cidr}' cannot be a VPC's",
            given=cidr,
            allowed=f"a private network from /{_LARGEST} to /{_SMALLEST}",
            why="a public range would hide somebody else's addresses, and a VPC has these sizes only",
            next="choose a network under 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
        )
    return network
