"""The embedded engine under a program that is a function of the test's: no process, a cloud of files, and every call to it noted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi.provider.experimental import provider as rpc

from infra.artifacts import Plan
from infra.engine.embedded import EmbeddedEngine, carrying, urns
from infra.engine.embedded import engine as engine_module
from infra.engine.embedded.deploy import Deployment
from infra.engine.embedded.goals import Goal
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import Run
from infra.engine.engine import Guard, Outcome, Preview, Program
from infra.pipeline.apply import guard, recorded_inputs
from tests.engine.cloud import Cloud, Death, objects

STACK = "case"
TYPE = "cloud:index:Thing"
Register = Callable[..., Resource]
"""register(name, inputs, parent=, needs={input: [what it comes from]}, component=type, **options of a Goal)."""
Play = Callable[[Register], None]


def urn(name: str, type_: str = TYPE) -> str:
    return f"urn:pulumi:{STACK}::played::{type_}::{name}"


class Noting(Cloud):
    def __init__(self, folder: Path, calls: list[tuple[str, str, float]]) -> None:
        super().__init__(folder, Death(0))
        self._calls = calls

    async def create(self, request: rpc.CreateRequest) -> rpc.CreateResponse:
        if not request.preview:
            self._calls.append(("create", urns.name_of(request.urn), request.timeout))
        return await super().create(request)

    async def update(self, request: rpc.UpdateRequest) -> rpc.UpdateResponse:
        if not request.preview:
            self._calls.append(("update", urns.name_of(request.urn), request.timeout))
        return await super().update(request)

    async def delete(self, request: rpc.DeleteRequest) -> None:
        self._calls.append(("delete", urns.name_of(request.urn), request.timeout))
        if "stuck" in request.properties:
            raise RuntimeError("it is stuck")
        await super().delete(request)


class Played:
    """One stack and its cloud."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(carrying, "SETTLE", 0.0)
        self.calls: list[tuple[str, str, float]] = []
        self.cloud = folder / "cloud"
        self._program = Program(folder=folder, project="played", stack=STACK)
        self._engine = EmbeddedEngine(STACK, lambda _: Noting(self.cloud, self.calls), applies=(STACK,))
        self._monkeypatch = monkeypatch

    def preview(self, play: Play) -> Preview:
        self._play(play)
        return self._engine.preview(self._program)

    def ops(self, play: Play) -> dict[str, str]:
        """Name -> what the plan does with it, of everything that is not left as it is; the default provider left out."""
        return {item.name: item.op for item in self.preview(play).resources if item.op != "same" and not urns.is_provider(item.type)}

    def up(self, play: Play, **options: Any) -> Outcome:
        self.calls.clear()
        self._play(play)
        return self._engine.up(self._program, **options)

    def approved(self, play: Play) -> Guard:
        """The guard of a plan of `play` that was judged now."""
        found = self.preview(play)
        plan = Plan(environment="local", project="played", stack="played", program="", state=found.state, resources=found.resources)
        return guard(plan, recorded_inputs(self._engine.export(self._program)))

    def destroy(self) -> Outcome:
        self.calls.clear()
        return self._engine.destroy(self._program)

    def done(self) -> list[tuple[str, str]]:
        """(operation, name) of the calls of the last run."""
        return [(operation, name) for operation, name, _ in self.calls]

    def state(self) -> dict[str, dict[str, Any]]:
        """URN -> what the state holds, the stack and default providers left out."""
        found = self._engine.export(self._program)["deployment"].get("resources", [])
        return {item["urn"]: item for item in found if not item["type"].startswith("pulumi:")}

    def held(self) -> list[str]:
        """Names of what the cloud holds."""
        return sorted(urns.name_of(item["urn"]) for item in objects(self.cloud).values())

    def _play(self, play: Play) -> None:
        def run_program(program: Program, run: Run) -> Deployment:
            deployment = Deployment(run, program.stack, program.project, {}, frozenset())
            root = deployment.register(Goal(urns.STACK_TYPE, f"{program.project}-{program.stack}", custom=False)).resource

            def register(
                name: str,
                inputs: dict[str, Any] | None = None,
                *,
                parent: Resource = root,
                needs: dict[str, list[Resource]] | None = None,
                component: str = "",
                **options: Any,
            ) -> Resource:
                edges = {key: [item.urn for item in (needs or {}).get(key, [])] for key in inputs or {}}
                given: dict[str, Any] = {"dependencies": sorted({each for deps in edges.values() for each in deps}), "property_dependencies": edges, **options}
                return deployment.register(Goal(component or TYPE, name, not component, parent.urn, dict(inputs or {}), **given)).resource

            play(register)
            deployment.finish()
            return deployment

        self._monkeypatch.setattr(engine_module, "run_program", run_program)
