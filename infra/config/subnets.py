"""Subnet arithmetic, apart from any resource."""

from __future__ import annotations

import ipaddress


def private_subnets(vpc_cidr: str, zones: int) -> list[str]:
    """One subnet per zone, equal in size, side by side, inside `vpc_cidr`; a quarter of it each, whatever the number of zones.

    A quarter and not a third: networks halve, and the fourth quarter stays free for what comes later.
    Raises ValueError for more than four zones or a network too small to divide.
    """
    network = ipaddress.ip_network(vpc_cidr)
    if not 1 <= zones <= 4:
        raise ValueError(f"{zones} zones do not fit: a network is cut into four")
    if network.prefixlen > 24:
        raise ValueError(f"{vpc_cidr} is too small to cut into four subnets of a useful size")
    return [str(subnet) for subnet in list(network.subnets(prefixlen_diff=2))[:zones]]
