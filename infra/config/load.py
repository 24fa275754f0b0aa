"""Config read and refused: from a running Pulumi program, or from the stacks' YAML files. Asks nobody; a wrong value never reaches a plan."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, overload

import yaml
from pydantic import ValidationError

from falaj.errors import UsageError
from falaj.home import ROOT
from infra.config.checks import check
from infra.config.model import (
    ENVIRONMENTS,
    MODELS,
    SITES,
    ClusterConfig,
    Common,
    FoundationConfig,
    OnSite,
    PlatformConfig,
    PlatformStackConfig,
    StackConfig,
    WorkloadsConfig,
)
from infra.config.placing import missing_places
from infra.config.together import check_on_site, check_together

NAMESPACE = "falaj"
ON_SITE = ("platform", "workloads")
"""Stacks of an environment that lies on a site: what a cluster holds, and not the cluster."""
TEAMS_FILE = re.compile(r"teams\.[a-z0-9.-]*yaml")
"""One list of teams for all stacks of an environment, under stacks/."""


@overload
def load(stack: Literal["foundation"]) -> FoundationConfig:
    """Of stack `foundation`."""


@overload
def load(stack: Literal["cluster"]) -> ClusterConfig:
    """Of stack `cluster`."""


@overload
def load(stack: Literal["platform"]) -> PlatformStackConfig:
    """Of stack `platform`."""


@overload
def load(stack: Literal["workloads"]) -> WorkloadsConfig:
    """Of stack `workloads`."""


def load(stack: str) -> StackConfig:
    """The config of `stack` inside its Pulumi program. Raises UsageError for anything that is not right."""
    import pulumi
    from pulumi.runtime import config as running

    known = {**running.get_config_env(), **running.CONFIG.get()}
    values = {key.partition(":")[2]: _decoded(value) for key, value in known.items() if key.startswith(NAMESPACE + ":")}
    return parse(stack, pulumi.get_stack(), values)


def load_environment(environment: str, stacks: Path | None = None) -> PlatformConfig:
    """The config of a whole environment, from the YAML files of its four stacks under `stacks` (this checkout's own unless given).

    Raises UsageError for an unknown environment, one that lies on a site, a bad file, or files that do not agree.
    """
    if is_site(environment, stacks):
        raise UsageError(
            f"environment {environment} has no cloud",
            given=f"{environment}, whose config names a site",
            allowed="an environment in a cloud",
            why="what was asked is about accounts, buckets or machines of a cloud",
            next="docs/edge.md says what there is on a site",
        )
    folder = stacks or ROOT / "stacks"
    found = _read(environment, MODELS, folder)
    whole = PlatformConfig.model_validate(found)
    network, same = whole.foundation.network, whole.platform
    _equal(environment, ("foundation", "network.cidr", network.cidr), ("platform", "network_cidr", same.network_cidr))
    check_together(whole, lambda stack: _shown(folder / stack / f"Pulumi.{environment}.yaml"))
    return whole


def load_site(environment: str, stacks: Path | None = None) -> OnSite:
    """The config of an environment that lies on a site. Raises UsageError as `load_environment` does."""
    folder = stacks or ROOT / "stacks"
    found = _read(environment, ON_SITE, folder)
    whole = OnSite.model_validate(found)
    check_on_site(whole, lambda stack: _shown(folder / stack / f"Pulumi.{environment}.yaml"))
    return whole


def require_whole(environment: str, stacks: Path | None = None) -> None:
    """Raise UsageError where the config of an environment, wherever it lies, is wrong or does not go together."""
    (load_site if is_site(environment, stacks) else load_environment)(environment, stacks)


def stacks_of(environment: str, stacks: Path | None = None) -> tuple[str, ...]:
    """The stacks that an environment has, in the order in which they stand on each other."""
    return ON_SITE if is_site(environment, stacks) else tuple(MODELS)


def is_site(environment: str, stacks: Path | None = None) -> bool:
    """True for an environment whose platform stack names a site. Raises UsageError for an unknown environment."""
    _require_environment(environment)
    path = (stacks or ROOT / "stacks") / "platform" / f"Pulumi.{environment}.yaml"
    return path.exists() and "site" in read_values(path)


def _read(environment: str, wanted: Iterable[str], folder: Path) -> dict[str, StackConfig]:
    found = {stack: parse(stack, environment, read_values(folder / stack / f"Pulumi.{environment}.yaml"), folder) for stack in wanted}
    _require_agreement(environment, found)
    return found


def read_values(path: Path) -> dict[str, Any]:
    """The `falaj:` keys of a stack's YAML file, without their namespace. Raises UsageError when it is missing or malformed."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as problem:
        raise UsageError(
            "config: there is no such file",
            given=_shown(path),
            why="every stack has one per environment",
            next="take the file of another environment as a model",
        ) from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise UsageError("config: the file is not YAML", given=_shown(path), why=" ".join(str(problem).split()), next="put the file right") from problem
    values = (document or {}).get("config") if isinstance(document, dict | None) else None
    if not isinstance(values, dict):
        raise UsageError("config: the file has no config", given=_shown(path), allowed="a mapping under `config:`", next="put the file right")
    return {key.partition(":")[2]: _as_pulumi(value) for key, value in values.items() if str(key).startswith(NAMESPACE + ":")}


def parse(stack: str, environment: str, values: Mapping[str, Any], stacks: Path | None = None) -> StackConfig:
    """`values` (key without namespace -> value) as the config of one stack, checked against what its region has."""
    _require_environment(environment)
    folder, model = stacks or ROOT / "stacks", MODELS[stack]
    file = _shown(folder / stack / f"Pulumi.{environment}.yaml")
    if "environment" in values:
        raise _unknown_key("environment", model, file, why="the environment is the name of the Pulumi stack")
    if isinstance(teams := values.get("teams"), str):
        values = {**values, "teams": _read_teams(teams, folder, file)}
    try:
        config = model.model_validate({**values, "environment": environment})
    except ValidationError as problem:
        raise _refusal(problem, model, file) from problem
    if missing := missing_places(config):
        raise _missing(missing[:1], model, file)
    check(config, file)
    return config


def schema(stack: str) -> dict[str, Any]:
    """JSON schema of a stack's `config:` block, for editors."""
    body = MODELS[stack].model_json_schema()
    body["properties"].pop("environment")
    body["properties"] = {f"{NAMESPACE}:{name}": value for name, value in body["properties"].items()}
    teams = f"{NAMESPACE}:teams"
    body["properties"][teams] = {"anyOf": [body["properties"][teams], {"type": "string", "pattern": TEAMS_FILE.pattern}]}
    body["required"] = [f"{NAMESPACE}:{name}" for name in body["required"] if name != "environment"]
    body["additionalProperties"] = True  # config of other namespaces stands in the same block
    return body


def _read_teams(name: str, folder: Path, file: str) -> Any:
    """The list in the file that `falaj:teams` names. Raises UsageError for another name than such a file's, and for a file that is no list."""
    key = f"{file}, key {NAMESPACE}:teams"
    if not TEAMS_FILE.fullmatch(name):
        raise UsageError(
            f"teams: '{name}' cannot be used",
            given=key,
            allowed="a list of teams, or the name of a file with one beside the stacks' folders, such as teams.prod.yaml",
            why="the file is part of what a plan is made from, so it lies where plans look",
            next="put the list there",
        )
    try:
        found = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as problem:
        raise UsageError(
            f"teams: {_shown(folder / name)} cannot be read", given=key, why=" ".join(str(problem).split()), next="write the list of teams there"
        ) from problem
    if not isinstance(found, list):
        raise UsageError(f"teams: {_shown(folder / name)} holds no list", given=key, allowed="a list of teams", next="write one")
    return found


def _require_environment(environment: str) -> None:
    if environment not in (*ENVIRONMENTS, *SITES):
        raise UsageError(
            f"environment: there is no '{environment}'",
            given=environment,
            allowed=", ".join((*ENVIRONMENTS, *SITES)),
            why="every environment has its own config, account and rules",
            next="choose one of those",
        )


def _require_agreement(environment: str, found: Mapping[str, StackConfig]) -> None:
    first, *others = found
    for name in Common.model_fields:
        for other in others:
            _equal(environment, (first, name, getattr(found[first], name)), (other, name, getattr(found[other], name)))


def _equal(environment: str, one: tuple[str, str, Any], other: tuple[str, str, Any]) -> None:
    if one[2] != other[2]:
        raise UsageError(
            f"{one[1]}: the stacks of {environment} do not agree",
            given="; ".join(f"stacks/{stack}/Pulumi.{environment}.yaml, key {NAMESPACE}:{key} is {_short(value)}" for stack, key, value in (one, other)),
            allowed="the same value in every stack",
            why="they are parts of one environment in one place and network",
            next="make them equal",
        )


def _decoded(value: Any) -> Any:
    """Pulumi hands objects and lists over as JSON text."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _as_pulumi(value: Any) -> Any:
    """A YAML value as a program would see it: scalars at the top are text."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, dict | list | str) else str(value)


def _refusal(problem: ValidationError, model: type[Common], file: str) -> UsageError:
    first = problem.errors(include_url=False)[0]
    path = [part for part in first["loc"] if isinstance(part, str | int)]
    key = ".".join(str(part) for part in path)
    if first["type"] == "extra_forbidden":
        owner = _model_at(model, path[:-1])
        return _unknown_key(str(path[-1]), owner, file, within=".".join(str(part) for part in path[:-1]))
    if first["type"] == "missing":
        return _missing(path, model, file)
    return UsageError(
        f"{key}: {_short(first['input'])} cannot be used",
        given=f"{file}, key {NAMESPACE}:{key}",
        allowed=_describe(model, path),
        why=first["msg"][:1].lower() + first["msg"][1:],
        next="put the value right",
    )


def _missing(path: list[Any], model: type[Common], file: str) -> UsageError:
    key = ".".join(map(str, path))
    return UsageError(
        f"{key}: it is missing",
        given=f"{file}, no key {NAMESPACE}:{key}",
        allowed=_describe(model, path),
        why="it has no default that would be right everywhere",
        next="add it",
    )


def _unknown_key(key: str, model: type[Any], file: str, *, within: str = "", why: str = "") -> UsageError:
    names = sorted(name for name in model.model_fields if name != "environment")
    close = difflib.get_close_matches(key, names, 1)
    place = f"{within}.{key}" if within else key
    return UsageError(
        f"{place}: there is no such key",
        given=f"{file}, key {NAMESPACE}:{place}",
        allowed=", ".join(names),
        why=why or "a key that nobody reads would look as if it did something",
        next=f"write {close[0]}" if close else "remove it",
    )


def _model_at(model: type[Any], path: list[Any]) -> type[Any]:
    """The model that a path of field names and indices leads to."""
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            annotation = model.model_fields[part].annotation
            inner = [each for each in (annotation, *get_args(annotation)) if isinstance(each, type) and hasattr(each, "model_fields")]
            model = inner[0] if inner else model
    return model


def _describe(model: type[Common], path: list[Any]) -> str:
    """What a value may be, in the words of the model's schema."""
    node: Any = model.model_json_schema()
    definitions = node.get("$defs", {})
    for part in path:
        node = _resolve(node, definitions)
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, {})
    node = _resolve(node, definitions)
    words = [str(node["type"])] if "type" in node else []
    for name, word in (
        ("enum", "one of"),
        ("const", "exactly"),
        ("pattern", "matching"),
        ("minimum", "from"),
        ("maximum", "to"),
        ("minItems", "with at least"),
    ):
        if name in node:
            value = node[name]
            words.append(f"{word} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return " ".join(words) or "a value of another form"


def _resolve(node: Any, definitions: Mapping[str, Any]) -> Any:
    while "$ref" in node:
        node = definitions[node["$ref"].rsplit("/", 1)[-1]]
    return node


def _short(value: Any) -> str:
    text = json.dumps(value, default=str) if not isinstance(value, str) else f"'{value}'"
    if "PRIVATE KEY" in text:
        return "a private key"  # which nobody may read in a log
    return text if len(text) <= 80 else text[:77] + "..."


def _shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
