"""A happy prod with a pool of reserved machines in a managed group: by a reservation, and by a Capacity Block."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.config.test_load import happy, refusal
from tests.stacks.world import run

RESERVATION = "cr-0123456789abcdef0"
LARGE: dict[str, Any] = {"name": "large", "kind": "gpu", "instance_types": ["p5en.48xlarge"], "minimum": 0, "maximum": 1, "reservation": RESERVATION}


@pytest.mark.parametrize(("capacity", "market"), [("ON_DEMAND", None), ("CAPACITY_BLOCK", {"marketType": "capacity-block"})], ids=["a reservation", "a block"])
def test_its_machines_come_from_the_reservation_that_it_names(falaj_home: Path, capacity: str, market: dict[str, str] | None) -> None:
    world = run("cluster", "prod", config={"pools": [*happy("cluster")["pools"], {**LARGE, "capacity": capacity}]})
    template, group = world.one("LaunchTemplate", "large").inputs, world.one("NodeGroup", "large").inputs
    assert template["capacityReservationSpecification"] == {"capacityReservationTarget": {"capacityReservationId": RESERVATION}}
    assert (template.get("instanceMarketOptions"), group["capacityType"]) == (market, capacity)
    others = [each.inputs for name, each in world.of("LaunchTemplate").items() if name != "large"]
    assert others and not any(key in each for each in others for key in ("capacityReservationSpecification", "instanceMarketOptions"))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"capacity": "SPOT"}, "pools.0.capacity: SPOT, and pool large has a reservation"),
        (
            {"capacity": "CAPACITY_BLOCK", "reservation": None, "instance_types": ["g5.xlarge"]},
            "pools.0.capacity: CAPACITY_BLOCK, and pool large names no block",
        ),
    ],
)
def test_capacity_that_goes_together_with_no_reservation_is_refused(change: dict[str, Any], what: str) -> None:
    assert refusal("cluster", pools=[{**LARGE, **change}, *happy("cluster")["pools"][:1]])["what"] == what
