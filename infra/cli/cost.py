"""What `falaj plan --cost` shows: the estimate of planned stacks as tables, and the error where machines have no price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from falaj.errors import Undecided
from infra.cli.output import table

if TYPE_CHECKING:
    from infra.artifacts import Plan
    from infra.pipeline.cost import Estimate, Line, Range

TABLE = "infra/config/prices.yaml"


def estimated(plans: Sequence[Plan], folder: Path | None, environment: str, engine_name: str | None) -> Estimate:
    """What the plans' stacks would cost, and what they cost as they are now where they are there."""
    from infra.config.load import is_site, load_environment
    from infra.engine.choose import choose
    from infra.engine.program import open_program
    from infra.pipeline.cost import estimate, standing
    from infra.pipeline.plan import stack_of, stack_program

    ours = folder is None or stack_of(folder) is not None
    states = {}
    for plan in plans:
        if plan.state.serial == 0:
            continue
        program = stack_program(environment, plan.stack) if ours or folder is None else open_program(folder, environment)
        states[plan.stack] = standing(plan, choose(environment, engine_name).export(program))
    return estimate(plans, region=load_environment(environment).region if ours and not is_site(environment) else None, states=states)


def require_instance_prices(found: Estimate) -> None:
    """Raise Undecided, naming them, where machines have no price: what is left out is then most of the sum."""
    if missing := found.unpriced_instances:
        raise Undecided(
            f"the estimate leaves out machines that have no price: {', '.join(sorted(missing))}",
            given="; ".join(f"{name} in {', '.join(sorted(set(users)))}" for name, users in sorted(missing.items())),
            allowed=f"instance types listed in {TABLE}",
            why="machines are most of what a platform costs, and a price is not guessed from another size or region",
            next=f"add the price with its source and date to {TABLE}, or choose a type that is there; the plan itself is made and stands",
        )


def show(found: Estimate) -> str:
    """The estimate for a person: what is summed, then what is not, then what was assumed."""
    parts = [_fixed(found.only("fixed")), _stacks(found)]
    parts.append(_listed("Paid by use, not in the sum:", found.only("usage"), price=True))
    parts.append(_listed("Without a price, not in the sum:", found.only("unpriced")))
    parts.append(_listed("Known after an apply only, not in the sum:", found.only("unknown")))
    oldest, newest = found.prices_from
    parts.append(
        f"Free: {len(found.only('free'))} resources.\n"
        f"Prices in {found.currency} of {oldest} to {newest} ({TABLE}), {found.hours_a_month} hours a month.\n"
        + "\n".join(f"Assumed: {each}." for each in found.assumptions)
    )
    return "\n\n".join(part for part in parts if part)


def _fixed(lines: Sequence[Line]) -> str:
    rows = []
    for group in _groups(lines):
        first = group[0]
        quantity = _total(line.quantity for line in group)
        rows.append(
            [first.stack, first.what, _whose(group), f"{_amount(quantity, 0)} {first.unit}s", _price(first), _amount(_total(line.monthly for line in group))]
        )
    return table(rows, ["stack", "what", "of", "a month", "unit price", "USD a month"]) if rows else ""


def _stacks(found: Estimate) -> str:
    known = [each for each in found.stacks if each.now is not None]
    rows = []
    for each in found.stacks:
        now = each.now or (0.0, 0.0)
        rows.append([each.stack, _amount(each.monthly), _amount(now), _change(now, each.monthly)])
    now = _total(each.now for each in found.stacks)
    rows.append(["together", _amount(found.monthly), _amount(now), _change(now, found.monthly)])
    width = 4 if known else 2
    return table([row[:width] for row in rows], ["stack", "USD a month", "now", "change"][:width])


def _listed(heading: str, lines: Sequence[Line], *, price: bool = False) -> str:
    if not lines:
        return ""
    rows = []
    for group in _groups(lines):
        first = group[0]
        why = f"{_price(first)} for each {first.unit}" if price else first.why
        rows.append(["  " + first.stack, first.what or first.type, _whose(group), why])
    return heading + "\n" + table(rows)


def _groups(lines: Iterable[Line]) -> list[list[Line]]:
    """Lines of one stack that say the same of different resources."""
    groups: dict[tuple[object, ...], list[Line]] = {}
    for line in lines:
        what = line.what or line.type
        groups.setdefault((line.stack, what, line.unit_price, line.why if line.kind in ("unpriced", "unknown") else ""), []).append(line)
    return list(groups.values())


def _whose(group: Sequence[Line]) -> str:
    names = sorted({line.name for line in group})
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} resources"


def _total(ranges: Iterable[Range | None]) -> Range:
    found = [each for each in ranges if each]
    return round(sum(low for low, _ in found), 2), round(sum(high for _, high in found), 2)


def _amount(value: Range, digits: int = 2) -> str:
    low, high = value
    return f"{low:,.{digits}f}" if low == high else f"{low:,.{digits}f} to {high:,.{digits}f}"


def _change(now: Range, then: Range) -> str:
    low, high = (round(after - before, 2) for before, after in zip(now, then, strict=True))
    return f"{low:+,.2f}" if low == high else f"{low:+,.2f} to {high:+,.2f}"


def _price(line: Line) -> str:
    low, high = line.unit_price or (0.0, 0.0)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
