"""What planned stacks would cost a month: list prices times what the plan says there will be.

A figure is a range, since pools of nodes grow and shrink. What depends on use is listed with its unit price and not summed; so is, without one,
what has no price in the table and what only an apply can tell. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from infra.artifacts import Artifact, Plan, PlannedResource, StateRef
from infra.config.prices import Price, Prices, RegionPrices, prices
from infra.pipeline.charges import Charge, charges

Kind = Literal["fixed", "usage", "free", "unpriced", "unknown"]
"""`unpriced`: nobody has found the price, or looked at the type. `unknown`: how much of it there is can only be known after an apply."""
Range = tuple[float, float]
"""The least and the most."""


class Line(Artifact):
    """One thing that one resource is charged for; USD, and units a month."""

    stack: str
    urn: str
    type: str
    name: str
    kind: Kind
    what: str = ""
    items: list[str] = []
    """Names in the price table."""
    unit: str = ""
    unit_price: Range | None = None
    quantity: Range | None = None
    monthly: Range | None = None
    source: str = ""
    """Offer file and its date; several where several instance types are possible."""
    why: str = ""
    """What was assumed, or what is missing."""


class StackCost(Artifact):
    """The sum of a stack's fixed lines."""

    stack: str
    monthly: Range
    now: Range | None = None
    """The same of the state that the plan starts from; None where that was not asked."""


class Estimate(Artifact):
    """What an environment's stacks cost a month."""

    schema_: Literal["falaj.cost/1"] = "falaj.cost/1"
    environment: str
    currency: str
    hours_a_month: int
    prices_from: tuple[str, str]
    """Dates of the oldest and the newest source of the price table."""
    assumptions: list[str]
    stacks: list[StackCost]
    monthly: Range
    lines: list[Line]

    def only(self, kind: Kind) -> list[Line]:
        return [line for line in self.lines if line.kind == kind]

    @property
    def unpriced_instances(self) -> dict[str, list[str]]:
        """Instance type without a price -> resources that may run it. Without it the sum says little: machines are most of it."""
        found: dict[str, list[str]] = {}
        for line in self.only("unpriced"):
            for item in line.items:
                if "." in item:
                    found.setdefault(item, []).append(line.name)
        return found


ASSUMPTIONS = (
    "on demand at list prices: no savings plan, reservation, discount, credit, tax or support plan",
    "everything stands for the whole month; a pool of nodes has between its least and its most nodes, each type as cheap or as dear as it may be",
    "traffic between zones, out of the region and to the internet is not counted",
)
_EMULATED = "local is emulated on this machine and costs nothing: the figures are those of the same resources in the cloud"


def estimate(plans: Sequence[Plan], *, region: str | None = None, states: Mapping[str, Plan] | None = None, table: Prices | None = None) -> Estimate:
    """The monthly cost of what `plans` want.

    `region` is that of resources that have none of their own, such as a cluster's disks. `states` holds what the stacks are now, as `standing`
    gives it, by stack; where it is given, what each costs now is said beside.
    """
    table = table or prices()
    region = region or _only_region(plans)
    lines = [line for plan in plans for line in _lines(plan, region, table)]
    stacks = []
    for plan in plans:
        state = (states or {}).get(plan.stack)
        now = _sum(_lines(state, region, table)) if state else None
        stacks.append(StackCost(stack=plan.stack, monthly=_sum(line for line in lines if line.stack == plan.stack), now=now))
    oldest, newest = table.dates
    environment = plans[0].environment if plans else ""
    return Estimate(
        environment=environment,
        currency=table.currency,
        hours_a_month=table.hours_a_month,
        prices_from=(oldest.isoformat(), newest.isoformat()),
        assumptions=[*ASSUMPTIONS, *([_EMULATED] if environment == "local" else [])],
        stacks=stacks,
        monthly=_sum(lines),
        lines=lines,
    )


def standing(plan: Plan, state: Mapping[str, Any]) -> Plan:
    """`plan`'s stack as `state` (as an engine exports it) says it is now, with nothing to change."""
    resources = [
        PlannedResource(
            urn=each["urn"],
            type=each["type"],
            name=each["urn"].rpartition("::")[2],
            op="same",
            custom=each.get("custom", False),
            provider=each.get("provider"),
            inputs=each.get("inputs", {}),
            property_dependencies={key: list(urns or []) for key, urns in (each.get("propertyDependencies") or {}).items()},
        )
        for each in (state.get("deployment") or {}).get("resources") or []
        if not each.get("delete")
    ]
    nothing = StateRef(serial=plan.state.serial, digest=plan.state.digest)
    return Plan(environment=plan.environment, project=plan.project, stack=plan.stack, program=plan.program, state=nothing, resources=resources)


def _lines(plan: Plan, region: str | None, table: Prices) -> list[Line]:
    found = {resource.urn: resource for resource in plan.resources}
    lines = []
    for resource in plan.resources:
        if not resource.custom or resource.op == "delete" or resource.type.startswith("pulumi:"):
            continue
        here = _region_of(resource, found) or region
        what = charges(resource, found)
        if what is None:
            lines.append(_line(plan, resource, "unpriced", why="nobody has looked at what this type costs"))
        elif not what:
            lines.append(_line(plan, resource, "free"))
        for charge in what or ():
            lines.append(_priced(plan, resource, charge, here, table))
    return lines


def _priced(plan: Plan, resource: PlannedResource, charge: Charge, region: str | None, table: Prices) -> Line:
    items = list(charge.items)
    if charge.unknown:
        return _line(plan, resource, "unknown", why=charge.unknown)
    known = table.regions.get(region or "")
    if known is None:
        return _line(plan, resource, "unpriced", items=items, why=f"no prices are known of region {region}" if region else "its region is not known")
    rows = [known.find(item) for item in items]
    lacking = [item for item, row in zip(items, rows, strict=True) if row is None or row.usd is None]
    what, unit = _named(items, known)
    if lacking:
        return _line(plan, resource, "unpriced", items=lacking, what=what, unit=unit, why=f"no price of {', '.join(lacking)} in {region} has been found")
    amounts = sorted(_usd(row) for row in rows)
    common = {
        "items": items,
        "what": what,
        "unit": unit,
        "unit_price": (float(amounts[0]), float(amounts[-1])),
        "source": "; ".join(sorted({table.dated(row) for row in rows if row})),
        "why": charge.why,
    }
    if charge.count is None:
        return _line(plan, resource, "usage", **common)
    times = table.hours_a_month if charge.hourly else 1
    least, most = (count * times for count in charge.count)
    return _line(plan, resource, "fixed", **common, quantity=(float(least), float(most)), monthly=_cents(least * amounts[0], most * amounts[-1]))


def _named(items: list[str], known: RegionPrices) -> tuple[str, str]:
    rows = [row for row in map(known.find, items) if row]
    return " or ".join(row.what for row in rows) or " or ".join(items), rows[0].unit if rows else ""


def _usd(row: Price | None) -> Decimal:
    assert row is not None and row.usd is not None, "lines without a price are made before this"
    return row.usd


def _line(plan: Plan, resource: PlannedResource, kind: Kind, **more: Any) -> Line:
    return Line(stack=plan.stack, urn=resource.urn, type=resource.type, name=resource.name, kind=kind, **more)


def _sum(lines: Iterable[Line]) -> Range:
    ranges = [line.monthly for line in lines if line.monthly]
    return _cents(sum((Decimal(str(low)) for low, _ in ranges), Decimal(0)), sum((Decimal(str(high)) for _, high in ranges), Decimal(0)))


def _cents(low: Decimal, high: Decimal) -> Range:
    return float(round(low, 2)), float(round(high, 2))


def _region_of(resource: PlannedResource, found: Mapping[str, PlannedResource]) -> str | None:
    """The resource's own region, else its provider's."""
    own = resource.inputs.get("region")
    if isinstance(own, str):
        return own
    provider = found.get((resource.provider or "").rpartition("::")[0])
    given = provider.inputs.get("region") if provider else None
    return given if isinstance(given, str) else None


def _only_region(plans: Sequence[Plan]) -> str | None:
    """The one region that all providers of these plans work in, if it is one."""
    named = {r.inputs.get("region") for plan in plans for r in plan.resources if r.type == "pulumi:providers:aws"}
    regions = [each for each in named if isinstance(each, str)]
    return regions[0] if len(regions) == 1 else None
