"""Plans of an environment that many teams share: one process, one figure. `falaj bench plan` runs it with more and more teams."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra.artifacts import Plan


def teams(number: int) -> list[dict[str, Any]]:
    """So many small teams, as `falaj:teams` takes them."""
    quota = {"cpu": "8", "memory": "16Gi", "pods": 20}
    return [
        {
            "name": f"team{index:03d}",
            "people": [f"arn:aws:iam::999999999999:role/team{index:03d}"],
            "training": {**quota, "gpus": 1},
            "inference": quota,
        }
        for index in range(number)
    ]


def plans(environment: str, number: int) -> list[Plan]:
    """All four stacks of `environment`, from nothing, with `number` teams in it."""
    from infra.engine.embedded.engine import EmbeddedEngine
    from infra.pipeline.plan import STACKS, plan_programs, stack_program

    shared = {"falaj:teams": json.dumps(teams(number))}
    programs = [stack_program(environment, stack) for stack in STACKS]
    return plan_programs([replace(each, config={**each.config, **shared}) for each in programs], engine=EmbeddedEngine(environment))


def main(arguments: list[str]) -> None:
    """`python -m infra.cli.bench_plan ENVIRONMENT TEAMS FILE` writes how many resources were planned into FILE."""
    environment, number, file = arguments
    Path(file).write_text(str(sum(len(plan.resources) for plan in plans(environment, int(number)))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
