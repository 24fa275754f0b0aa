"""The real Pulumi CLI behind the engine interface: the only engine that may touch a real cloud."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from falaj.canonical import digest_bytes
from falaj.errors import Fault, UsageError
from infra.artifacts import StateRef
from infra.engine.cli_events import Listener, Watcher, resource_of, to_plan
from infra.engine.cli_steps import Steps, pack_of
from infra.engine.cli_workspace import plugin_folders, workspace
from infra.engine.engine import Guard, Outcome, Preview, Program, Progress, Seen
from infra.engine.ordering import in_order


class PulumiCliEngine:
    """Runs `pulumi` through the Automation API. State: a file backend of the environment's own, or PULUMI_BACKEND_URL.

    `local` is served by the sandbox's providers; a preview of any other environment by the same ones offline; an apply of another
    environment by the real plugins.
    """

    name = "pulumi"
    shows_known_inputs = True

    def __init__(self, environment: str, plugins: Mapping[str, Path] | None = None) -> None:
        """`plugins` (package -> folder with its executable) replaces the sandbox's, for every operation."""
        self.environment = environment
        self._plugins = plugins

    def preview(self, program: Program) -> Preview:
        with self._open(program, plans=True) as stack, tempfile.TemporaryDirectory(prefix="falaj-plan-") as folder:
            return self._preview(stack, program, Path(folder) / "plan.json")

    def _preview(self, stack: Any, program: Program, plan: Path) -> Preview:
        """Preview and leave the CLI's own plan at `plan`."""
        from pulumi.automation.errors import CommandError

        listener = Listener()
        before = stack.export_stack().deployment or {}
        try:
            stack.preview(on_event=listener.listen, plan=str(plan))
        except CommandError as problem:
            raise _failed(program, listener, problem) from problem
        goals = {urn: (entry.get("goal") or {}) for urn, entry in json.loads(plan.read_text())["resourcePlans"].items()}
        olds = {item["urn"]: item for item in before.get("resources") or []}
        resources = []
        for urn, found in listener.planned.items():
            goal = olds.get(urn, {}) if found.op == "delete" else goals.get(urn) or olds.get(urn, {})
            resources.append(resource_of(urn, found, goal))
        return Preview(resources=in_order(resources), outputs=listener.outputs, state=self._ref(stack, before))

    def up(self, program: Program, *, guard: Guard | None = None, resolved: Guard | None = None, progress: Progress | None = None) -> Outcome:
        """With a guard, everything planned is shown to it first, and the CLI is then held to that plan.

        `resolved` is asked by a policy pack of this process's own, before each step that makes or changes something.
        """
        from pulumi.automation.errors import CommandError

        def work(stack: Any, listen: Any) -> None:
            if guard is None and resolved is None:
                stack.up(on_event=listen)
                return
            with tempfile.TemporaryDirectory(prefix="falaj-plan-") as folder:
                plan = Path(folder) / "plan.json"
                planned = [each for each in self._preview(stack, program, plan).resources if each.op not in ("same", "read")]
                if guard is not None:
                    for resource in planned:
                        guard(resource.op, resource.urn, resource.inputs)
                if resolved is None:
                    stack.up(on_event=listen, plan=str(plan))
                    return
                steps = Steps(resolved, {each.urn: each.op for each in planned})
                try:
                    with pack_of(steps) as pack:
                        stack.up(on_event=listen, plan=str(plan), policy_packs=[str(pack)])
                except CommandError:
                    if steps.problem is None:
                        raise
                if steps.problem is not None:
                    raise steps.problem

        return self._change(program, work, progress)

    def import_state(self, program: Program, exported: dict[str, Any]) -> None:
        """Take over a state, for example the embedded engine's `export`."""
        from pulumi.automation import Deployment

        with self._open(program, plans=True) as stack:
            stack.import_stack(Deployment(version=exported["version"], deployment=exported["deployment"]))

    def refresh(self, program: Program, *, progress: Progress | None = None) -> Outcome:
        return self._change(program, lambda stack, listen: stack.refresh(on_event=listen), progress)

    def look(self, program: Program) -> Seen:
        """`pulumi refresh --preview-only`: what the real plugins read, beside the state."""
        from pulumi.automation.errors import CommandError

        watcher = Watcher()
        with self._open(program, plans=False) as stack:
            deployment = stack.export_stack().deployment or {}
            try:
                stack.preview_refresh(on_event=watcher.listen)
            except CommandError as problem:
                given = "\n".join(watcher.errors or _error_lines(problem))
                # No token of the caller's is known there, or what it stands for may not read.
                shut_out = re.search(r"is forbidden: User|asked for the client to provide credentials|Unauthorized", given)
                entry = "give the caller's role an access entry of the cluster, and rights to read: docs/ci.md, 'Who a job is'"
                raise Fault(f"{program.project} could not be read whole", given=given, next=entry if shut_out else "runbooks/failed_apply.md") from problem
            return Seen(state=self._ref(stack, deployment), resources=watcher.resources, drifts=watcher.drifts)

    def destroy(self, program: Program, *, progress: Progress | None = None) -> Outcome:
        return self._change(program, lambda stack, listen: stack.destroy(on_event=listen), progress)

    def state(self, program: Program) -> StateRef:
        with self._open(program, plans=True) as stack:
            return self._ref(stack, stack.export_stack().deployment or {})

    def outputs(self, program: Program) -> dict[str, Any]:
        with self._open(program, plans=True) as stack:
            return _outputs(stack)

    def export(self, program: Program) -> dict[str, Any]:
        with self._open(program, plans=True) as stack:
            exported = stack.export_stack()
            return {"version": exported.version, "deployment": exported.deployment}

    def _change(self, program: Program, work: Callable[[Any, Any], Any], progress: Progress | None) -> Outcome:
        from pulumi.automation.errors import CommandError, ConcurrentUpdateError

        listener = Listener(progress)
        error = None
        with self._open(program, plans=False) as stack:
            before = self._ref(stack, stack.export_stack().deployment or {})
            try:
                work(stack, listener.listen)
            except ConcurrentUpdateError:
                raise
            except CommandError as problem:
                error = "\n".join(listener.errors or _error_lines(problem))
            after = self._ref(stack, stack.export_stack().deployment or {})
            return Outcome(steps=listener.steps, before=before, after=after, outputs=_outputs(stack), error=error)

    def _open(self, program: Program, *, plans: bool) -> Any:
        from infra.engine.passphrase import passphrase

        if self._plugins is not None:
            plugins: Mapping[str, Path] = self._plugins
        else:
            plugins = plugin_folders() if plans or self.environment == "local" else {}
        return workspace(program, self.environment, passphrase(), plugins, offline=plans and self.environment != "local")

    def _ref(self, stack: Any, deployment: dict[str, Any]) -> StateRef:
        """The serial is the number of updates that the backend remembers; an imported state that was never updated is serial 1."""
        updates = len(stack.history(show_secrets=False))
        if not deployment.get("resources") and not updates:
            return StateRef(serial=0, digest=digest_bytes(b""))
        return StateRef(serial=updates or 1, digest=digest_bytes(json.dumps(deployment, sort_keys=True).encode()))


def _outputs(stack: Any) -> dict[str, Any]:
    return {key: to_plan("[secret]" if output.secret else output.value) for key, output in stack.outputs().items()}


def _failed(program: Program, listener: Listener, problem: Exception) -> UsageError:
    errors = listener.errors or _error_lines(problem)
    return UsageError(
        f"{program.project} cannot be planned: {errors[0]}",
        given=str(program.folder),
        why="\n".join(errors[1:]) or None,
        next="correct the program or its config, and plan again",
    )


def _error_lines(problem: Exception) -> list[str]:
    lines = [line.partition("error:")[2].strip() for line in str(problem).splitlines() if "error:" in line]
    return list(dict.fromkeys(lines)) or [str(problem)]
