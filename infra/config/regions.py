"""What a region has, from `regions.yaml`: instance families, services, and the global services that no region can hold."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from falaj.errors import UsageError

_TABLE = Path(__file__).with_name("regions.yaml")


class Region(BaseModel):
    """One region. Families map to the sizes offered, an empty tuple being every size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: str
    place: str
    zones: tuple[str, ...]
    opt_in: bool = False
    records_iam: bool = True
    """AWS Config knows identities there, which are kept in one place of the world."""
    gpu: dict[str, tuple[str, ...]]
    cpu: dict[str, tuple[str, ...]]
    add_on_images: str = ""
    """Account of AWS's own from whose registry nodes of the region pull the cluster's add-ons."""
    services: tuple[str, ...]
    lacks: dict[str, str]
    """Service that people expect and the region does not have -> what stands in for it."""


class Regions(BaseModel):
    """The whole table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    global_services: dict[str, str]
    """Service -> where its data lies, whatever region is configured."""
    regions: dict[str, Region]


@cache
def regions() -> Regions:
    """The table, read once."""
    return Regions.model_validate(yaml.safe_load(_TABLE.read_text(encoding="utf-8")))


def region(name: str, *, given: str) -> Region:
    """The facts about one region. Raises UsageError for a region that nobody has looked up."""
    known = regions().regions
    if name not in known:
        raise UsageError(
            f"region: nothing is known about '{name}'",
            given=given,
            allowed=", ".join(sorted(known)),
            why="what a region offers is checked before anything is planned",
            next="add the region to infra/config/regions.yaml with its source",
        )
    return known[name]


def require_instance_type(name: str, wanted: str, *, gpu: bool, given: str) -> None:
    """Raise UsageError, naming what there is, unless region `name` offers the instance type `wanted` (such as `g5.xlarge`)."""
    found = region(name, given=given)
    offered, other = (found.gpu, found.cpu) if gpu else (found.cpu, found.gpu)
    kind = "GPU" if gpu else "CPU"
    family, _, size = wanted.partition(".")
    sizes = offered.get(family)
    if sizes is None or not size or (sizes and size not in sizes):
        why = f"{family} is offered there without GPUs" if gpu and family in other else f"{found.place} does not offer it"
        if not gpu and family in other:
            why = f"{family} has GPUs, and this pool is declared without"
        listed = sorted(family if not sizes else ", ".join(f"{family}.{size}" for size in sizes) for family, sizes in offered.items())
        raise UsageError(
            f"instance type: '{wanted}' is not in region {name}",
            given=given,
            allowed=f"{kind} families {', '.join(listed)}",
            why=why,
            next="choose one of those families; infra/config/regions.yaml holds the table",
        )


def require_service(name: str, service: str, *, given: str) -> None:
    """Raise UsageError unless region `name` offers `service` (as named in a VPC endpoint, such as `ecr.api`)."""
    found = region(name, given=given)
    if service in found.services:
        return
    if service in found.lacks:
        why = f"the region does not have it; in its place: {found.lacks[service]}"
    elif service in regions().global_services:
        why = f"it is global: its data lies in {regions().global_services[service]}"
    else:
        why = f"{found.place} does not offer it"
    raise UsageError(
        f"service: '{service}' is not in region {name}",
        given=given,
        allowed=", ".join(sorted(found.services)),
        why=why,
        next="leave it out; infra/config/regions.yaml holds the table",
    )


def add_on_registry(name: str) -> str:
    """The account from whose registry nodes in region `name` pull add-ons; `*` where nobody has looked it up."""
    return regions().regions[name].add_on_images or "*"


def is_arm(instance_type: str) -> bool:
    """True for Graviton: a `g` behind the generation, as in m7g, r7gd, c8gn."""
    family = instance_type.partition(".")[0]
    return "g" in family.lstrip("abcdefghijklmnopqrstuvwxyz").partition("-")[0]
