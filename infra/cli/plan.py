"""`falaj plan`: what would be made of an environment, or of any folder with a Pulumi Python program."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from falaj.errors import UsageError
from infra.cli.options import engine_option, environment_option, json_option, refuse_partial_plans
from infra.cli.output import emit, progress, table

if TYPE_CHECKING:
    from infra.artifacts import Plan, PlannedResource
    from infra.engine.engine import Engine

_SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-", "read": ">", "import": "=", "same": " "}
_SHOWN = 60
"""Changed resources listed of one plan; the rest is in plan.json."""


def options(command: Callable[..., None]) -> Callable[..., None]:
    """What `plan` and `gate` have in common."""
    for option in (
        refuse_partial_plans,
        json_option,
        engine_option,
        click.option("--stack", help="One of our stacks only: foundation, cluster, platform or workloads."),
        environment_option,
        click.argument("folder", required=False, metavar="[DIR]", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


@click.command()
@options
@click.option("--cost", is_flag=True, help="Estimate what it would cost a month, at list prices; 4 where machines have no price.")
def plan(folder: Path | None, environment: str, stack: str | None, engine_name: str | None, as_json: bool, cost: bool) -> None:
    """Plan an environment's stacks, or the Pulumi Python program in DIR, and write plan.json for the gate."""
    plans = make(folder, environment, stack, engine_name)
    answer = {"plans": [one.to_json() for one in plans]}
    if not cost:
        emit(answer, as_json, lambda: show(plans))
        return
    from infra.cli.cost import estimated, require_instance_prices
    from infra.cli.cost import show as show_cost

    found = estimated(plans, folder, environment, engine_name)
    emit({**answer, "cost": found.to_json()}, as_json, lambda: show(plans) + "\n\n" + show_cost(found))
    require_instance_prices(found)


def make(folder: Path | None, environment: str, stack: str | None, engine_name: str | None) -> list[Plan]:
    """The plans that were asked for, made and written."""
    from falaj.home import stack_folder
    from infra.pipeline.plan import plan_environment, plan_file, plan_program, plan_stack

    engine = choose_engine(folder, environment, stack, engine_name)
    began = time.perf_counter()
    if folder is not None:
        plans = [plan_program(folder, environment, engine=engine)]
    elif stack is not None:
        plans = [plan_stack(environment, stack, engine=engine)]
    else:
        plans = plan_environment(environment, engine=engine)
    where = plan_file(folder, environment) if folder is not None else stack_folder(environment, stack or "STACK") / "plan.json"
    took = f"{time.perf_counter() - began:.1f} s ({engine.name} engine)"
    progress(f"planned {', '.join(one.stack for one in plans)} for {environment} in {took}; written to {where}")
    return plans


def choose_engine(folder: Path | None, environment: str, stack: str | None, engine_name: str | None) -> Engine:
    """The engine to plan with, once it is clear that the question makes sense."""
    if folder is not None and stack is not None:
        raise UsageError("a folder and a stack were given", given=f"{folder} and --stack {stack}", allowed="one of them", next="leave one out")
    from infra.engine.choose import choose
    from infra.pipeline.library import Library

    Library.open().parameters(environment)
    return choose(environment, engine_name)


def show(plans: list[Plan]) -> str:
    """A line per stack; the changes themselves where a single program was planned."""
    from infra.pipeline.plan import unknown_values

    operations = [operation for operation in _SIGNS if any(operation in one.changes() for one in plans)]
    rows = [[one.stack, *(str(one.changes().get(each, 0)) for each in operations), str(unknown_values(one)), one.digest[7:19]] for one in plans]
    text = table(rows, ["stack", *operations, "unknown", "digest"])
    return text + "\n\n" + changes(plans[0]) if len(plans) == 1 else text


def changes(one: Plan) -> str:
    """What becomes of each resource that does not stay as it is."""
    changed = [resource for resource in one.resources if resource.op != "same"]
    lines = [_line(resource) for resource in changed[:_SHOWN]]
    if len(changed) > _SHOWN:
        lines.append(f"... and {len(changed) - _SHOWN} more in plan.json")
    return "\n".join(lines) or "Nothing changes."


def _line(resource: PlannedResource) -> str:
    keys = resource.replace_keys or resource.diff_keys
    return f"{_SIGNS[resource.op]} {resource.type}  {resource.name}" + (f"  ({', '.join(keys)})" if keys else "")
