"""Reads config: inside a Pulumi program from its stack's config, outside from the four YAML files of an environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, overload

import yaml
from pydantic import ValidationError

from falaj.errors import UsageError
from falaj.home import ROOT
from infra.config.model import STACKS, ClusterConfig, EnvironmentConfig, FoundationConfig, PlatformConfig, StackConfig, WorkloadsConfig

_NAMESPACE = "falaj:"


@overload
def load(stack: Literal["foundation"]) -> FoundationConfig: ...
@overload
def load(stack: Literal["cluster"]) -> ClusterConfig: ...
@overload
def load(stack: Literal["platform"]) -> PlatformConfig: ...
@overload
def load(stack: Literal["workloads"]) -> WorkloadsConfig: ...
def load(stack: str) -> Any:
    """The config of the running Pulumi program. Raises UsageError, naming the key, for anything that does not fit."""
    import pulumi
    from pulumi.runtime.config import CONFIG, get_config_env

    given = {**get_config_env(), **CONFIG.get()}
    found = {key: _value(text) for key, text in given.items() if key.startswith(_NAMESPACE)}
    return _parse(stack, found, f"stacks/{stack}/Pulumi.{pulumi.get_stack()}.yaml")


def load_file(stack: str, environment: str, *, stacks: Path = ROOT / "stacks") -> StackConfig:
    """One stack's config from its YAML file."""
    path = stacks / stack / f"Pulumi.{environment}.yaml"
    shown = f"stacks/{stack}/{path.name}"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        config = document["config"]
        found = {str(key): value for key, value in config.items() if str(key).startswith(_NAMESPACE)}
    except FileNotFoundError as problem:
        raise UsageError(
            f"there is no environment {environment}", given=shown, allowed="local, dev, staging, prod", next="name one of them, or add the file"
        ) from problem
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as problem:
        raise UsageError(
            f"{path.name} is not a Pulumi stack file", given=shown, allowed="YAML with a `config` map", why=str(problem).splitlines()[0]
        ) from problem
    return _parse(stack, found, shown)


def load_environment(environment: str, *, stacks: Path = ROOT / "stacks") -> EnvironmentConfig:
    """All four stacks of an environment. Raises UsageError where they contradict each other."""
    parts = {stack: load_file(stack, environment, stacks=stacks) for stack in STACKS}
    try:
        return EnvironmentConfig.model_validate(parts)
    except ValidationError as problem:
        raise UsageError(
            f"the stacks of {environment} do not agree", given=f"stacks/*/Pulumi.{environment}.yaml", why=_reason(problem), next="give them the same value"
        ) from problem


def _value(text: Any) -> Any:
    # Pulumi hands objects and numbers to a program as JSON text; a plain string stays what it is.
    if isinstance(text, str) and text[:1] in "[{":
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return text


def _parse(stack: str, found: dict[str, Any], shown: str) -> StackConfig:
    model = STACKS[stack]
    given = {key.removeprefix(_NAMESPACE): value for key, value in found.items()}
    unknown = sorted(set(given) - set(model.model_fields))
    if unknown:
        raise UsageError(
            f"{unknown[0]}: unknown config key",
            given=f"{shown}, key {_NAMESPACE}{unknown[0]}",
            allowed=", ".join(model.model_fields),
            why="a misspelt key would silently leave a default in place",
            next="correct or remove it",
        )
    try:
        return model.model_validate(given)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or _named(problem, given)
        raise UsageError(
            f"{key}: {_reason(problem)}",
            given=f"{shown}, key {_NAMESPACE}{key.split('.')[0]}" + (f": {first['input']}" if first["loc"] and not isinstance(first["input"], dict) else ""),
            why="config is checked before anything is planned",
            next="correct it and run the same command again",
        ) from problem


def _reason(problem: ValidationError) -> str:
    return problem.errors()[0]["msg"].removeprefix("Value error, ")


def _named(problem: ValidationError, given: dict[str, Any]) -> str:
    # A check over the whole model has no place of its own; the first key its message speaks of is the best pointer.
    words = _reason(problem).replace(":", " ").split()
    return next((word for word in words if word in given), "config")
