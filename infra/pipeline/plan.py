"""Plans: what a program would make of its environment, written as `plan.json` for the gate.

A stack of ours that stands on stacks not made yet is planned on what those are planned to be: their outputs are handed on in
a file named by FALAJ_UPSTREAM, unknown ones as unknowns.
"""

from __future__ import annotations

import gc
import json
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from falaj.canonical import digest, digest_file
from falaj.errors import UsageError
from falaj.home import ROOT, environment_folder, stack_folder
from infra.artifacts import Plan
from infra.config.load import TEAMS_FILE, require_whole, stacks_of
from infra.engine.engine import Engine, Program
from infra.pipeline.reading import read_document

STACKS: tuple[str, ...] = ("foundation", "cluster", "platform", "workloads")
"""Folders under stacks/, in the order they stand on each other; an environment on a site has the last two."""
_SOURCES = frozenset({".py", ".yaml", ".yml", ".json", ".toml", ".txt", ".cfg", ".ini", ".rego", ".j2", ".sh"})
_SHARED = ("falaj", "infra/config", "infra/components", "workloads/stages.py")
"""What the programs of our stacks are made of besides their own folder."""

_MAKE_AGAIN = "make it again: falaj plan"
_LARGE = 4_000_000
"""Bytes of a plan that the collector of cycles would take long to look through."""

Outputs = Mapping[str, Mapping[str, Any]]
"""Stack -> its outputs, with the markers of `infra.artifacts`."""


def stack_program(environment: str, stack: str) -> Program:
    """The program of one of our stacks. Raises UsageError for a stack that the environment does not have."""
    if stack not in (known := stacks_of(environment)):
        raise UsageError(f"there is no stack '{stack}'", given=stack, allowed=", ".join(known), next="name one of them, or give a folder")
    from infra.engine.program import open_program

    return open_program(ROOT / "stacks" / stack, environment)


def plan_stack(environment: str, stack: str, *, engine: Engine | None = None, upstream: Outputs | None = None) -> Plan:
    """Plan one of our stacks and write its plan.json; `upstream` as in `make_plan`."""
    return make_plan(environment, stack, engine=engine, upstream=upstream).write(stack_folder(environment, stack) / "plan.json")


def make_plan(environment: str, stack: str, *, engine: Engine | None = None, upstream: Outputs | None = None) -> Plan:
    """Plan one of our stacks and write nothing. `upstream` holds the outputs to use instead of recorded ones; where it is left out, stacks
    below that were never made are planned first."""
    require_whole(environment)
    program = stack_program(environment, stack)
    engine = engine or _engine(environment)
    below = _planned_below(environment, stack, engine) if upstream is None else upstream
    return _plan(program, stack, engine, below)


def plan_environment(environment: str, *, engine: Engine | None = None) -> list[Plan]:
    """Plan all our stacks, each on what those below it are to become. Raises UsageError where their config is wrong, or does not go together."""
    engine = engine or _engine(environment)
    plans: list[Plan] = []
    upstream: dict[str, Mapping[str, Any]] = {}
    for stack in stacks_of(environment):
        plans.append(plan_stack(environment, stack, engine=engine, upstream=upstream))
        if set(plans[-1].changes()) - {"same", "read"}:
            upstream[stack] = plans[-1].outputs
    return plans


def plan_programs(programs: Sequence[Program], *, engine: Engine) -> list[Plan]:
    """Plan programs of our stacks in their order, whatever config they are given, each on what those before it are to become. Writes nothing."""
    plans: list[Plan] = []
    upstream: dict[str, Mapping[str, Any]] = {}
    for program in programs:
        plans.append(_plan(program, program.folder.name, engine, upstream))
        upstream[plans[-1].stack] = plans[-1].outputs
    return plans


def plan_program(folder: Path, environment: str, *, engine: Engine | None = None) -> Plan:
    """Plan the Pulumi Python program in any folder; plan.json goes to `plan_file`. A folder under stacks/ is that stack."""
    if stack := stack_of(folder):
        return plan_stack(environment, stack, engine=engine)
    from infra.engine.program import open_program

    program = open_program(folder, environment)
    return _plan(program, folder.resolve().name, engine or _engine(environment), {}).write(plan_file(folder, environment))


def stack_of(folder: Path) -> str | None:
    """The name of our stack whose folder this is; None for a user's own."""
    found = folder.resolve()
    return found.name if found.parent == ROOT / "stacks" and found.name in STACKS else None


def plan_file(folder: Path, environment: str) -> Path:
    """Where the plan of a folder is kept; a user's own programs stay apart from our stacks, and from each other by their path."""
    if stack := stack_of(folder):
        return stack_folder(environment, stack) / "plan.json"
    found = folder.resolve()
    mark = digest(str(found)).removeprefix("sha256:")[:8]
    return environment_folder(environment) / "programs" / f"{found.name}-{mark}" / "plan.json"


def read_plan(path: Path) -> Plan:
    """The plan in `path`. Raises UsageError when it is missing, truncated, too large or too deep, or was edited into something else."""
    plan = Plan.of(read_document(path, what="plan file", next=_MAKE_AGAIN), path, next=_MAKE_AGAIN)
    if path.stat().st_size > _LARGE:
        # It stays to the end, and the collector of cycles would look through all of it while it is judged: a tenth of the gate's time.
        gc.freeze()
    return plan


def program_digest(program: Program) -> str:
    """Names the program's sources and the config it would be run with; other stacks' config, caches and environments are left out."""
    found = {path.relative_to(program.folder).as_posix(): digest_file(path) for path in _sources(program.folder, program.stack)}
    if stack_of(program.folder):
        for name in _SHARED:
            place = ROOT / name
            for path in [place] if place.is_file() else _sources(place, program.stack):
                found["/" + path.relative_to(ROOT).as_posix()] = digest_file(path)
        teams = program.config.get("falaj:teams", "")
        # The list itself may stand there, and no system takes one of many teams for a file's name.
        if TEAMS_FILE.fullmatch(teams) and (ROOT / "stacks" / teams).is_file():
            found["/stacks/" + teams] = digest_file(ROOT / "stacks" / teams)
    return digest({"sources": found, "config": dict(program.config)})


def unknown_values(plan: Plan) -> int:
    """How many inputs the plan can only know after an apply, outputs of the stack left aside."""

    def count(value: Any) -> int:
        if isinstance(value, dict):
            return 1 if value.get("__falaj__") == "unknown" else sum(map(count, value.values()))
        return sum(map(count, value)) if isinstance(value, list) else 0

    return sum(count(resource.inputs) for resource in plan.resources)


def _plan(program: Program, name: str, engine: Engine, upstream: Outputs) -> Plan:
    with _handed_on(upstream) as environ:
        preview = engine.preview(replace(program, environ={**program.environ, **environ}))
    return Plan(
        environment=program.stack,
        project=program.project,
        stack=name,
        program=program_digest(program),
        state=preview.state,
        resources=preview.resources,
        outputs=preview.outputs,
    )


def _planned_below(environment: str, stack: str, engine: Engine) -> Outputs:
    """Planned outputs of the stacks below that have none recorded."""
    upstream: dict[str, Mapping[str, Any]] = {}
    known = stacks_of(environment)
    for below in known[: known.index(stack)]:
        program = stack_program(environment, below)
        if upstream or not engine.outputs(program):
            upstream[below] = _plan(program, below, engine, upstream).outputs
    return upstream


@contextmanager
def _handed_on(upstream: Outputs) -> Generator[dict[str, str]]:
    if not upstream:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="falaj-upstream-") as folder:
        path = Path(folder) / "upstream.json"
        path.write_text(json.dumps({stack: dict(outputs) for stack, outputs in upstream.items()}), encoding="utf-8")
        yield {"FALAJ_UPSTREAM": str(path)}


def _sources(folder: Path, environment: str) -> list[Path]:
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__pycache__")) or path.name in ("venv", "node_modules") or (path / "pyvenv.cfg").exists():
            continue
        if path.is_dir():
            found += _sources(path, environment)
        elif path.suffix in _SOURCES and not (path.name.startswith("Pulumi.") and path.stem not in ("Pulumi", f"Pulumi.{environment}")):
            found.append(path)
    return found


def _engine(environment: str) -> Engine:
    from infra.engine.choose import choose

    return choose(environment, None)
