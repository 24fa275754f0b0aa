"""Pools say which processors they have, by family or as somebody measured it."""

from __future__ import annotations

import pytest

from infra.config.model import PoolConfig
from infra.config.processors import processor_of
from infra.config.regions import is_arm, regions


@pytest.mark.parametrize(
    ("types", "found"),
    [
        (["c7i.2xlarge", "m7i.2xlarge"], "amx"),
        (["c7i.large", "m6i.large"], "avx512vnni"),
        (["c7i.large", "m5.large"], "avx2"),
        (["m7g.large", "m6g.large"], "dotprod"),
        (["c7i.large", "z9.large"], None),
        ([], None),
    ],
)
def test_a_pool_has_the_narrowest_class_of_its_families_and_none_where_one_is_unknown(types: list[str], found: str | None) -> None:
    assert processor_of(types) == found


def test_what_was_measured_counts_before_the_table() -> None:
    pool = PoolConfig(name="inference", kind="inference", instance_types=("c5.large",), minimum=1, maximum=2)
    assert (pool.processor, pool.model_copy(update={"cpu": "avx512vnni"}).processor) == ("avx2", "avx512vnni")


def test_every_cpu_family_of_a_region_has_a_class_of_its_kind() -> None:
    for region in regions().regions.values():
        for family in region.cpu:
            assert (processor_of([f"{family}.large"]) in ("i8mm", "dotprod")) == is_arm(f"{family}.large"), family
            assert processor_of([f"{family}.large"]), family
