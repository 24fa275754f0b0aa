"""What a region has and lacks, looked up in `regions.yaml`; a live check of the cloud is another matter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def _tables() -> dict[str, Any]:
    return yaml.safe_load(Path(__file__).with_name("regions.yaml").read_text())


def known_regions() -> list[str]:
    """The regions there are facts about; data is allowed in no other."""
    return sorted(_tables()["regions"])


def global_services() -> dict[str, str]:
    """Service -> where it lives, for those that no config can pin to a region."""
    return dict(_tables()["global_services"])


def require_region(region: str) -> None:
    """Raise ValueError for a region outside the allowed set."""
    if region not in _tables()["regions"]:
        raise ValueError(f"region {region!r} is not allowed; allowed: {', '.join(known_regions())}. Data and models stay in the country (rule provider_region)")


def require_zones(region: str, zones: Sequence[str]) -> None:
    """Raise ValueError for a zone that the region does not have, or one named twice."""
    there = _tables()["regions"][region]["zones"]
    if wrong := [zone for zone in zones if zone not in there]:
        raise ValueError(f"{region} has no zone {', '.join(wrong)}; it has {', '.join(there)}")
    if len(set(zones)) != len(zones):
        raise ValueError(f"a zone is named twice: {', '.join(zones)}")


def require_instance(region: str, machine: str) -> None:
    """Raise ValueError for a machine type of a family or size that the region lacks, naming what it has of that kind."""
    facts = _tables()["regions"][region]
    family, _, size = machine.partition(".")
    kinds = facts["instances"]
    if not size or family not in [*kinds["gpu"], *kinds["cpu"]]:
        kind = "gpu" if is_gpu(machine) else "cpu"
        raise ValueError(f"{region} has no {machine}; {'GPU' if kind == 'gpu' else 'CPU'} families there: {', '.join(kinds[kind])}")
    sizes = facts.get("only_sizes", {}).get(family)
    if sizes and size not in sizes:
        raise ValueError(f"{region} has {family} in size {', '.join(sizes)} only, not {size}")


def require_service(region: str, service: str) -> None:
    """Raise ValueError for a service that the region lacks, or that is not known to be there."""
    facts = _tables()["regions"][region]
    if service in facts["services"]:
        return
    if service in global_services():
        raise ValueError(f"{service} is a global service in {global_services()[service]}; it cannot be pinned to {region}")
    raise ValueError(f"{region} has no {service}; it has {', '.join(facts['services'])}")


def is_gpu(machine: str) -> bool:
    """True for machine types of the accelerated families (g, p, inf, trn), wherever they exist."""
    family = machine.partition(".")[0]
    return family.startswith(("inf", "trn")) or (family[:1] in "gp" and family[1:2].isdigit())
