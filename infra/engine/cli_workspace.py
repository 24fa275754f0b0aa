"""A project folder for the Pulumi CLI that is not the user's: the program is run where it lies, and nothing is written beside it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from falaj.errors import Fault, UsageError
from falaj.files import write_durably
from falaj.home import ROOT, environment_folder, home
from infra.engine.engine import Program

if TYPE_CHECKING:
    from pulumi.automation import PulumiCommand, Stack

_OLDEST = (3, 200, 0)
STATE = "stacks/state.yaml"
"""Where each environment's state lies."""
PLUGINS = ("aws", "kubernetes")
"""Packages that `infra.sandbox.plugin` serves to the CLI."""


def plugin_folders() -> dict[str, Path]:
    """Package -> folder with the executable that starts our provider for it."""
    folders = {}
    for package in PLUGINS:
        folder = home() / "plugins" / package
        command = f"PYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)} -m infra.sandbox.plugin {package}"
        write_durably(folder / f"pulumi-resource-{package}", f'#!/bin/sh\n{command} "$@"\n'.encode(), mode=0o755)
        folders[package] = folder
    return folders


@contextlib.contextmanager
def workspace(program: Program, environment: str, passphrase: str, plugins: Mapping[str, Path], *, offline: bool) -> Generator[Stack]:
    """A stack of the CLI for `program`, its config set, in a folder that goes when the block ends. Raises Fault when the CLI fails."""
    from pulumi import automation

    folder = Path(tempfile.mkdtemp(prefix="falaj-pulumi-"))
    try:
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(_project(program, plugins)), encoding="utf-8")
        variables = environ(program, environment, passphrase, offline=offline)
        secrets = secrets_provider(environment, variables["PULUMI_BACKEND_URL"])
        # Of the provider the CLI knows nothing from the state: left out, it would encrypt what it writes by a passphrase again.
        (folder / f"Pulumi.{program.stack}.yaml").write_text(yaml.safe_dump({"secretsprovider": secrets} if secrets else {}), encoding="utf-8")
        options = automation.LocalWorkspaceOptions(env_vars=variables, pulumi_command=cli_command(), secrets_provider=secrets or None)
        stack = automation.create_or_select_stack(program.stack, work_dir=str(folder), opts=options)
        if program.config:
            stack.set_all_config({key: automation.ConfigValue(value, secret=key in program.secrets) for key, value in program.config.items()})
        yield stack
    except automation.errors.CommandError as problem:
        raise _explained(problem, program) from problem
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cli_command() -> PulumiCommand:
    """The CLI on PATH. One built from source may not say its version; it is then taken to be as old as we support."""
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    command = PulumiCommand(skip_version_check=True)
    command.version = command.version or VersionInfo(*_OLDEST)
    return command


def environ(program: Program, environment: str, passphrase: str, *, offline: bool) -> dict[str, str]:
    """Environment variables for the CLI, the program and its plugins."""
    backend = os.environ.get("PULUMI_BACKEND_URL")
    if backend:
        _require_declared(backend, environment)
    else:
        folder = environment_folder(environment) / "pulumi"
        folder.mkdir(parents=True, exist_ok=True)
        backend = folder.as_uri()
    binaries = Path(sys.executable).parent
    return {
        **program.environ,
        "PULUMI_BACKEND_URL": backend,
        "PULUMI_CONFIG_PASSPHRASE": passphrase,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_EXPERIMENTAL": "true",
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX") or str(ROOT / ".cache" / "pycache"),
        "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
        "VIRTUAL_ENV": str(binaries.parent),
        **({"FALAJ_OFFLINE": "1"} if offline else {}),
    }


def _require_declared(backend: str, environment: str) -> None:
    """State goes where stacks/state.yaml says, which the gate has judged, or, while an environment's bucket is not there yet, into a file."""
    declared = _declared().get(environment)
    if backend not in (declared, f"{declared}&awssdk=v2") and not backend.startswith("file://"):
        raise UsageError(
            f"the state of {environment} would go somewhere else",
            given=f"PULUMI_BACKEND_URL={backend}",
            allowed=str(declared or "nothing but a file: stacks/state.yaml says nothing of it"),
            why="state holds secrets, so where it lies is judged by the gate and not left to a variable",
            next=f"unset PULUMI_BACKEND_URL, or change {STATE} by a reviewed change and run falaj gate --repository",
        )


def declared_backend(environment: str) -> str:
    """Where the checkout declares that an environment's state lies. Raises UsageError where it says nothing, or this machine."""
    found = _declared().get(environment, "")
    if not found.startswith("s3://"):
        raise UsageError(
            f"the state of {environment} has no place but this machine",
            given=str(found or f"{STATE} says nothing of it"),
            allowed="s3://BUCKET?region=REGION",
            next=f"declare one in {STATE} by a reviewed change",
        )
    return found


def secrets_provider(environment: str, backend: str) -> str:
    """What the secrets of a state are encrypted by: the declared key where its declared backend is used, else nothing, which is the passphrase."""
    return "" if backend.startswith("file://") else _declared("secrets").get(environment, "")


def _declared(what: str = "environments") -> dict[str, str]:
    """Environment -> its backend, or the key of its `secrets`, as the checkout declares."""
    path = ROOT / STATE
    found = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    declared = found.get(what) if isinstance(found, dict) else None
    return declared if isinstance(declared, dict) else {}


def _project(program: Program, plugins: Mapping[str, Path]) -> dict[str, Any]:
    project: dict[str, Any] = {"name": program.project, "runtime": {"name": "python"}, "main": str(program.folder)}
    if plugins:
        project["plugins"] = {"providers": [{"name": package, "path": str(folder)} for package, folder in sorted(plugins.items())]}
    return project


def _explained(problem: Exception, program: Program) -> Fault | UsageError:
    from pulumi.automation.errors import ConcurrentUpdateError

    if isinstance(problem, ConcurrentUpdateError):
        return UsageError(
            f"the state of {program.project} ({program.stack}) is locked",
            allowed="one run at a time",
            why="another run of the Pulumi CLI holds it, or one was killed",
            next="wait until it ends; if none runs, `pulumi cancel`",
        )
    lines = [line.strip() for line in str(problem).splitlines() if "error:" in line]
    return Fault(f"the Pulumi CLI failed: {lines[0] if lines else str(problem)[-500:]}", given=str(program.folder), why="\n".join(lines[1:]) or None)
