"""Whatever network is cut, the pieces lie inside it, apart from each other, and stay where they were."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from falaj.errors import UsageError
from infra.config.subnets import carve, parse

ZONES = ("a", "b", "c", "d")
networks = st.builds(
    lambda second, prefix: str(IPv4Network((int(IPv4Network(f"10.{second}.0.0/16").network_address), prefix))), st.integers(0, 255), st.integers(16, 24)
)
prefixes = st.integers(17, 28)


@settings(max_examples=200, deadline=None)
@given(networks, prefixes, prefixes, st.integers(1, 4))
def test_subnets_lie_inside_the_network_and_never_overlap(cidr: str, nodes: int, endpoints: int, count: int) -> None:
    try:
        cut = carve(cidr, ZONES[:count], nodes_prefix=nodes, endpoints_prefix=endpoints)
    except UsageError:
        assume(False)
        return
    made = [IPv4Network(each) for zone in cut for each in (zone.nodes, zone.endpoints)]
    assert len(made) == 2 * count and all(each.subnet_of(IPv4Network(cidr)) for each in made)
    assert not any(one.overlaps(other) for one, other in combinations(made, 2))


@settings(max_examples=100, deadline=None)
@given(networks, prefixes, prefixes)
def test_another_zone_moves_no_node_subnet(cidr: str, nodes: int, endpoints: int) -> None:
    try:
        more = carve(cidr, ZONES[:3], nodes_prefix=nodes, endpoints_prefix=endpoints)
    except UsageError:
        assume(False)
        return
    fewer = carve(cidr, ZONES[:2], nodes_prefix=nodes, endpoints_prefix=endpoints)
    assert [zone.nodes for zone in fewer] == [zone.nodes for zone in more[:2]]


@settings(max_examples=100, deadline=None)
@given(networks, prefixes, prefixes, st.integers(1, 4))
def test_what_is_refused_as_too_large_would_not_fit(cidr: str, nodes: int, endpoints: int, count: int) -> None:
    network = IPv4Network(cidr)
    assume(network.prefixlen < min(nodes, endpoints))
    try:
        carve(cidr, ZONES[:count], nodes_prefix=nodes, endpoints_prefix=endpoints)
    except UsageError:
        sizes = [1 << (32 - nodes), 1 << (32 - endpoints)]
        # Aligning the second kind may cost up to one of them.
        assert count * sum(sizes) + sizes[1] > network.num_addresses


def test_the_cut_of_prod_is_what_it_always_was() -> None:
    cut = carve("10.40.0.0/16", ("a", "b", "c"), nodes_prefix=19, endpoints_prefix=24)
    assert [(zone.nodes, zone.endpoints) for zone in cut] == [
        ("10.40.0.0/19", "10.40.96.0/24"),
        ("10.40.32.0/19", "10.40.97.0/24"),
        ("10.40.64.0/19", "10.40.98.0/24"),
    ]


@pytest.mark.parametrize("cidr", ["10.40.0.1/16", "ten", "8.8.0.0/16", "10.0.0.0/8", "10.0.0.0/29"])
def test_a_network_that_no_vpc_can_have_is_refused(cidr: str) -> None:
    with pytest.raises(UsageError):
        parse(cidr)


def test_a_subnet_as_large_as_its_network_is_refused() -> None:
    with pytest.raises(UsageError, match="a /16 subnet for nodes cannot be cut"):
        carve("10.40.0.0/16", ("a",), nodes_prefix=16, endpoints_prefix=24)
