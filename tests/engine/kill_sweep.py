"""Kills an apply at every single moment, runs it again, and reports what the cloud and the state then hold that they should not.

Run as `python -m tests.engine.kill_sweep FOLDER STEP [STRIDE]`: every run is a forked process of its own, so nothing here may start a thread
before. Prints one JSON document: moments, kills, and for every moment that did not converge what is wrong.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import falaj.files
from infra.engine.embedded import carrying, urns
from infra.engine.embedded import engine as engine_module
from infra.engine.embedded.crypt import Crypter
from infra.engine.embedded.deploy import Deployment
from infra.engine.embedded.engine import EmbeddedEngine
from infra.engine.embedded.goals import Goal
from infra.engine.embedded.run import Run
from infra.engine.embedded.values import Properties, Secret
from infra.engine.engine import Program
from tests.engine.cloud import Cloud, Death, objects

STACK = "case"
WANTED = {1: {"a", "b", "c", "dbr", "dependent", "goes", "secret"}, 2: {"a", "b", "c", "dbr", "dependent", "comes", "secret"}}
"""Names that must exist, once each, after a step."""


def play(program: Program, run: Run, step: int) -> Deployment:
    """What a program would register: `a` is replaced in step 2 after its successor is made, `dbr` before, `b` changes, `goes` goes."""
    deployment = Deployment(run, program.stack, program.project, {}, frozenset())
    root = deployment.register(Goal(urns.STACK_TYPE, f"{program.project}-{program.stack}", custom=False)).resource.urn

    def thing(name: str, inputs: Properties, needs: dict[str, list[str]] | None = None, **options: Any) -> Any:
        edges = {key: (needs or {}).get(key, []) for key in inputs}
        depends = sorted({urn for deps in edges.values() for urn in deps})
        goal = Goal("cloud:index:Thing", name, True, root, inputs, dependencies=depends, property_dependencies=edges, **options)
        return deployment.register(goal).resource

    def replaced_last() -> None:
        a = thing("a", {"trigger": f"t{step}"})
        thing("b", {"value": a.id}, {"value": [a.urn]})

    def replaced_first() -> None:
        dbr = thing("dbr", {"trigger": f"t{step}"}, delete_before_replace=True)
        thing("dependent", {"trigger": dbr.id}, {"trigger": [dbr.urn]})

    with ThreadPoolExecutor(4) as pool:
        chains = [replaced_last, replaced_first, lambda: thing("c", {"value": f"v{step}"}), lambda: thing("secret", {"value": Secret("s")})]
        chains.append(lambda: thing("goes" if step == 1 else "comes", {"value": "v"}))
        for future in [pool.submit(chain) for chain in chains]:
            future.result()
    deployment.finish()
    return deployment


def apply(folder: Path, step: int, death: Death) -> str | None:
    """One `up` in this process; the error it ended with."""
    os.environ["FALAJ_HOME"] = str(folder / "home")
    program = Program(folder=folder, project="killed", stack=STACK)
    engine = EmbeddedEngine(STACK, lambda _: Cloud(folder / "cloud", death), applies=(STACK,))
    vars(engine_module)["run_program"] = lambda program, run: play(program, run, step)
    replace = os.replace

    def dying_replace(source: Any, target: Any) -> None:
        death.moment()
        replace(source, target)
        death.moment()

    vars(falaj.files.os)["replace"] = dying_replace
    return engine.up(program).error


def forked(folder: Path, step: int, at: int) -> tuple[bool, int, str]:
    """(killed, moments passed, error) of one apply in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        death = Death(at)
        try:
            error = apply(folder, step, death)
        except BaseException:
            error = traceback.format_exc()
        os.write(writing, json.dumps([death.passed, error or ""]).encode()[:60000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True, at, ""
    passed, error = json.loads(answer)
    return False, passed, error


def faults(folder: Path, step: int) -> list[str]:
    """What is made twice, forgotten, or known to the state only or to the cloud only."""
    os.environ["FALAJ_HOME"] = str(folder / "home")
    held = objects(folder / "cloud")
    exported = EmbeddedEngine(STACK, lambda _: None).export(Program(folder=folder, project="killed", stack=STACK))["deployment"]  # ty: ignore[invalid-argument-type]
    known = {item["id"]: item["urn"] for item in exported["resources"] if item["type"] == "cloud:index:Thing"}
    found = []
    names = sorted(urns.name_of(thing["urn"]) for thing in held.values())
    if names != sorted(WANTED[step]):
        found.append(f"the cloud holds {names}")
    if known != {id_: thing["urn"] for id_, thing in held.items()}:
        found.append(f"the state knows {sorted(known.values())}, with other ids than the cloud")
    if exported.get("pending_operations"):
        found.append("operations are still pending")
    values = {urns.name_of(thing["urn"]): thing["inputs"] for thing in held.values()}
    if not found and (values["a"]["trigger"] != f"t{step}" or values["c"]["value"] != f"v{step}"):
        found.append(f"the cloud holds old values: {values}")
    return found


def sweep(folder: Path, step: int, stride: int) -> dict[str, Any]:
    """Kill at every `stride`-th moment of `step`, each time from the same beginning, and let the same command finish."""
    base = folder / "base"
    base.mkdir()
    if step == 2:
        killed, _, error = forked(base, 1, 0)
        assert not killed and not error, error
    shutil.copytree(base, folder / "count")
    _, moments, error = forked(folder / "count", step, 0)
    assert not error, error
    wrong: dict[int, list[str]] = {}
    kills = 0
    for at in range(1, moments + 1, stride):
        place = folder / f"at-{at}"
        shutil.copytree(base, place)
        kills += forked(place, step, at)[0]
        # Every other time the recovery is killed too, at its third moment.
        if at % 2:
            forked(place, step, 3)
        again, _, error = forked(place, step, 0)
        found = faults(place, step) if not error and not again else [error or "killed without being told to"]
        if found:
            wrong[at] = found
        shutil.rmtree(place)
    return {"moments": moments, "kills": kills, "wrong": wrong}


def main() -> None:
    folder, step = Path(sys.argv[1]), int(sys.argv[2])
    os.environ["PULUMI_CONFIG_PASSPHRASE"] = "kill"
    carrying.SETTLE = 0.0
    _ = Crypter().salt  # derive the key once, for every fork
    print(json.dumps(sweep(folder, step, int(sys.argv[3]) if len(sys.argv) > 3 else 1)))


if __name__ == "__main__":
    main()
