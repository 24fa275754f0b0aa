"""Reads a folder with a Pulumi program: Pulumi.yaml and the stack's config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from falaj.errors import UsageError
from infra.engine.engine import Program

_NEXT = "write Pulumi.yaml as `pulumi new` does: name, and runtime: python"


def open_program(folder: Path, stack: str) -> Program:
    """The program in `folder`, to be run as `stack`. Raises UsageError when Pulumi.yaml or Pulumi.<stack>.yaml is missing or malformed.

    Only Pulumi.yaml must exist: a program without config for a stack has none. Keys without a namespace get the project's.
    """
    folder = folder.resolve()
    project = _mapping(folder / "Pulumi.yaml", must_exist=True)
    name = project.get("name")
    if not isinstance(name, str) or not name:
        raise UsageError("Pulumi.yaml has no project name", given=str(folder / "Pulumi.yaml"), allowed="name: <text>", next=_NEXT)
    runtime = project.get("runtime")
    kind = runtime.get("name") if isinstance(runtime, dict) else runtime
    if kind != "python":
        raise UsageError("the program is not a Python program", given=f"runtime: {kind}", allowed="runtime: python", next=_NEXT)
    main = folder / str(project.get("main") or ".")
    if not (main.is_file() or (main / "__main__.py").is_file()):
        raise UsageError("the folder has no program", given=str(folder), allowed="a __main__.py beside Pulumi.yaml", next="write one, or name another folder")
    config, secrets = _config(folder, name, stack, project)
    return Program(folder=folder, project=name, stack=stack, config=config, secrets=secrets)


def _config(folder: Path, project: str, stack: str, settings: dict[str, Any]) -> tuple[dict[str, str], frozenset[str]]:
    path = folder / f"Pulumi.{stack}.yaml"
    found = _mapping(path, must_exist=False).get("config") or {}
    if not isinstance(found, dict):
        raise UsageError(f"{path.name} has a config that is not a mapping", given=str(path), allowed="config: {key: value}")
    values: dict[str, str] = {}
    secrets: set[str] = set()
    for key, declared in (settings.get("config") or {}).items():
        default = declared.get("default", declared.get("value")) if isinstance(declared, dict) else declared
        if default is not None:
            values[_full(key, project)] = _text(default)
            if isinstance(declared, dict) and declared.get("secret"):
                secrets.add(_full(key, project))
    for key, value in found.items():
        if isinstance(value, dict) and set(value) == {"secure"}:
            raise UsageError(
                f"{path.name} holds an encrypted value for {key}",
                given=str(path),
                why="config is read without any key; secrets of ours come from the environment's secret store",
                next="read the value in the program from where it is kept, or use the Pulumi CLI",
            )
        values[_full(str(key), project)] = _text(value)
    return values, frozenset(secrets)


def _full(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _mapping(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as problem:
        if not must_exist:
            return {}
        raise UsageError(f"there is no {path.name}", given=str(path.parent), allowed="a folder with a Pulumi program", next=_NEXT) from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise UsageError(f"{path.name} is not YAML: {str(problem).splitlines()[0]}", given=str(path), next="correct the file") from problem
    if found is None and not must_exist:
        return {}
    if not isinstance(found, dict):
        raise UsageError(f"{path.name} is not a mapping", given=str(path), next=_NEXT)
    return found
