"""State moved from this machine, where an environment begins, into the bucket and under the key that its first apply has made.

The bucket and the key are resources of the first stack, so its first state cannot lie there. What is moved is exported with its secrets in the
clear in memory, encrypted anew by the key, written into a backend that holds nothing of the stack yet, read back and compared. The old state stays.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from falaj.errors import Fault, UsageError
from infra.engine.cli_workspace import cli_command
from infra.engine.engine import Program

if TYPE_CHECKING:
    from pulumi.automation import Stack


@dataclass(frozen=True)
class Moved:
    """What became of one stack's state."""

    project: str
    resources: int
    done: bool
    """False where the new place held the same state already."""


def move_state(programs: Sequence[Program], *, source: str, target: str, secrets: str, environ: Mapping[str, str]) -> list[Moved]:
    """Move every program's state from backend `source` to `target`, under the key `secrets` (such as awskms://...); `environ` is the CLI's.

    Asking again moves what is left. Raises UsageError where `source` holds nothing or `target` holds another state of a stack, Fault where what
    was written is not what was read.
    """
    moved = []
    for program in programs:
        with _stack(program, source, "", environ) as old:
            before = _exported(old) if old is not None else {}
        if not before.get("resources"):
            continue
        with _stack(program, target, secrets, environ, create=True) as new:
            assert new is not None
            there = _exported(new)
            done = not there.get("resources")
            if done:
                _import(new, {**before, "secrets_providers": there.get("secrets_providers") or _provider(new)})
                there = _exported(new)
            if _told(there) != _told(before):
                raise _other(program, target, fresh=done)
            moved.append(Moved(program.project, len(before["resources"]), done))
    if not moved:
        raise UsageError(
            "there is no state to move",
            given=source,
            why="no stack has been applied with its state on this machine",
            next="apply the first stack without PULUMI_BACKEND_URL: runbooks/bootstrap_state.md",
        )
    return moved


def _other(program: Program, target: str, *, fresh: bool) -> Exception:
    if fresh:
        return Fault(f"the state of {program.project} was read back other than it was written", given=target, next="the old state is untouched; run it again")
    return UsageError(
        f"another state of {program.project} is there already",
        given=target,
        why="it would be lost; nothing was written",
        next="use that one: set PULUMI_BACKEND_URL as stacks/state.yaml has it",
    )


@contextlib.contextmanager
def _stack(program: Program, backend: str, secrets: str, environ: Mapping[str, str], *, create: bool = False) -> Generator[Stack | None]:
    """The stack in a backend, in a project folder of its own; None where it is not there and is not to be made."""
    from pulumi import automation

    folder = Path(tempfile.mkdtemp(prefix="falaj-bootstrap-"))
    try:
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": program.project, "runtime": "python"}), encoding="utf-8")
        variables = {**environ, "PULUMI_BACKEND_URL": backend, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        options: dict[str, Any] = {"work_dir": str(folder), "env_vars": variables, "pulumi_command": cli_command(), "secrets_provider": secrets or None}
        workspace = automation.LocalWorkspace(**options)
        there = program.stack in {each.name.rsplit("/", 1)[-1] for each in workspace.list_stacks()}
        if there and secrets:
            (folder / f"Pulumi.{program.stack}.yaml").write_text(yaml.safe_dump({"secretsprovider": secrets}), encoding="utf-8")
        if there:
            yield automation.Stack.select(program.stack, workspace)
        else:
            yield automation.Stack.create(program.stack, workspace) if create else None
    except automation.errors.CommandError as problem:
        said = [line.strip() for line in str(problem).splitlines() if "error:" in line]
        raise Fault(f"the Pulumi CLI failed: {said[0] if said else str(problem)[-300:]}", given=backend, next="nothing was removed; run it again") from problem
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _exported(stack: Stack) -> dict[str, Any]:
    return dict(stack.export_stack().deployment or {})


def _import(stack: Stack, deployment: dict[str, Any]) -> None:
    from pulumi.automation import Deployment

    stack.import_stack(Deployment(version=3, deployment=deployment))


def _provider(stack: Stack) -> dict[str, Any]:
    """What the stack that was just made encrypts by, in the words of a state: the key, and the data key that it has wrapped."""
    made = stack.workspace.stack_settings(stack.name)
    return {"type": "cloud", "state": {"url": made.secrets_provider, "encryptedkey": made.encrypted_key}}


def _told(deployment: Mapping[str, Any]) -> list[Any]:
    """What a state says of its resources, without when it was written and by what it is encrypted."""
    return [{key: value for key, value in item.items() if key not in ("created", "modified")} for item in deployment.get("resources") or []]
