"""The policy library on disk: which rules there are, what they say about themselves, and the digest that names all of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

from falaj.canonical import digest, digest_bytes
from falaj.errors import UsageError
from falaj.files import read_json
from falaj.home import ROOT
from infra.pipeline.image_signatures import known_images
from infra.pipeline.parameter_waivers import excused
from infra.pipeline.schema import problems
from infra.pipeline.strictness import loosened

Kind = Literal["plan", "release", "repository", "evidence"]
KINDS: tuple[Kind, ...] = ("plan", "release", "repository", "evidence")
_WHOLE = ("data", "schemas", "images")
"""Folders of which every file counts; of the others only Rego does."""
_JUDGING = (*KINDS, "lib", *_WHOLE)
"""Folders whose content decides what the gate says; catalogues and waivers are read by others."""
_NEXT = "see any other rule under policies/ for the shape"


@dataclass(frozen=True)
class Rule:
    """One folder, one rule, one id; `package` is `falaj.<kind>.<id>`."""

    id: str
    kind: Kind
    path: Path
    title: str
    description: str
    check: str
    severity: Literal["low", "medium", "high", "critical"]
    level: Literal["advisory", "mandatory"]
    """What a failure does: `mandatory` denies, `advisory` is reported."""
    unknown: Literal["defer", "deny"]
    """What an unknown does: `deny` leaves nobody to say yes, `defer` has `up` judge again once the value is known."""
    subjects: list[str]
    """Of a plan rule: types of which it judges every managed resource; `aws:*` is every type of that provider, `*` all that have inputs."""
    evidence: str
    """What an auditor is shown for it."""
    since: str
    effective_on: str
    """The day from which a failure denies; before, it is reported only."""
    controls: dict[str, list[str]]
    remediation: str
    runbook: str
    reads: tuple[str, ...] | list[str] = ()
    """Of a plan rule: types it judges some resources of, or joins to its subjects. Of a repository's: the facts of which it judges somebody, where
    there are any; a rule that names none must always judge somebody."""

    @property
    def package(self) -> str:
        return f"falaj.{self.kind}.{self.id}"


_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Safe either way; the one in C reads the metadata of all rules in a tenth of the time."""
_READ: dict[tuple[Path, str], list[Rule]] = {}


class Library:
    """The rules, data and schemas under one `policies` folder. Raises UsageError when the library itself is wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "plan").is_dir():
            raise UsageError("there is no policy library here", given=str(folder), allowed="a folder with plan/, release/, lib/, data/ and schemas/")

    @classmethod
    def open(cls, folder: Path | None = None) -> Library:
        """The library in `folder`, the checkout's own unless named."""
        return cls(folder or ROOT / "policies")

    @cached_property
    def digest(self) -> str:
        """Names everything that can change an answer: rules, helpers, data, schemas, images that may run; not tests and samples."""
        return digest({name: digest_bytes(data) for name, data in self._read.items()})

    @cached_property
    def modules(self) -> dict[str, str]:
        """Relative path -> Rego text of every rule and helper."""
        return {name: data.decode() for name, data in self._read.items() if name.endswith(".rego")}

    @cached_property
    def rules(self) -> list[Rule]:
        """All rules, sorted by kind and id; read once for every content of the library."""
        known = _READ.get((self.folder, self.digest))
        if known is None:
            known = _READ[self.folder, self.digest] = self._read_rules()
        return known

    def _read_rules(self) -> list[Rule]:
        return [self._rule(kind, folder) for kind in KINDS for folder in sorted((self.folder / kind).glob("*")) if folder.is_dir()]

    def of_kind(self, kind: Kind) -> list[Rule]:
        return [rule for rule in self.rules if rule.kind == kind]

    @cached_property
    def environments(self) -> list[str]:
        """Environments that have parameters."""
        return sorted(path.stem for path in (self.folder / "data").glob("*.json") if path.stem != "common")

    def parameters(self, environment: str, now: str | None = None) -> dict[str, Any]:
        """What the rules are told about `environment`: common.json with the environment's file laid over it, and the images that were verified.

        Raises UsageError for an unknown environment, an unknown or misspelt key, a value outside the schema, or one that is looser than in
        common.json and that no waiver excuses at `now` (RFC 3339; the present, unless given).
        """
        if environment not in self.environments:
            raise UsageError(
                f"there are no policy parameters for environment '{environment}'",
                given=environment,
                allowed=", ".join(self.environments),
                why="a plan is judged by the rules' parameters of its environment",
                next="choose one of these, or add policies/data/<environment>.json",
            )
        common = self.common
        merged = self.as_written(environment)
        schema = self._parameters_schema
        # A common.json that is whole only with the environment's file over it leaves nothing to compare with.
        wrong = problems(merged, schema) or [f"common.json alone: {line}" for line in problems(common, schema)]
        if wrong:
            raise UsageError(
                f"the policy parameters of '{environment}' are wrong",
                given=f"policies/data/common.json and policies/data/{environment}.json",
                allowed="policies/schemas/parameters.schema.json",
                why="; ".join(wrong),
                next="correct that key: a misspelt parameter would switch a rule off",
            )
        present = now or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if loose := loosened(common, merged, schema):
            held, doubts = excused(self.folder, environment, {path: value for path, (value, _) in loose.items()}, common, present)
            left = {path: words for path, (_, words) in loose.items() if path not in held}
            if left:
                raise UsageError(
                    f"the policy parameters of '{environment}' are looser than those of all",
                    given=f"policies/data/{environment}.json",
                    allowed="what is as strict as policies/data/common.json, or stricter: x-stricter in policies/schemas/parameters.schema.json",
                    why="; ".join(f"{words} ({doubts[path]})" if path in doubts else words for path, words in left.items()),
                    next="put the loosest value into common.json and stricter ones into the others, or have it signed: falaj waiver parameter",
                )
        images = known_images(self.folder, environment, present, review_days=merged["images"]["review_days"])
        return {**merged, "known_images": images}

    def loosened(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Path -> value of what is looser in `parameters` (an environment's) than in common.json."""
        return {path: value for path, (value, _) in loosened(self.common, parameters, self._parameters_schema).items()}

    @cached_property
    def common(self) -> dict[str, Any]:
        """The parameters of all environments, before any lays its own over them."""
        return self._data("common")

    def as_written(self, environment: str) -> dict[str, Any]:
        """An environment's parameters as its files say, whether they are right or not."""
        return _laid_over(self.common, self._data(environment))

    @cached_property
    def _parameters_schema(self) -> dict[str, Any]:
        return read_json(self.folder / "schemas" / "parameters.schema.json", what="parameters schema", next="restore it from git", by_hand=True)

    @cached_property
    def _metadata_schema(self) -> dict[str, Any]:
        return read_json(self.folder / "schemas" / "metadata.schema.json", what="metadata schema", next="restore it from git")

    @cached_property
    def _repository_schema(self) -> dict[str, Any]:
        return read_json(self.folder / "schemas" / "repository.schema.json", what="repository schema", next="restore it from git")

    def _is_fact(self, name: str) -> bool:
        """Whether a repository's facts have a part of that name, dotted."""
        schema: Any = self._repository_schema
        for step in name.split("."):
            schema = schema.get("properties", {}).get(step)
            if schema is None:
                return False
        return True

    def _data(self, name: str) -> dict[str, Any]:
        value = read_json(self.folder / "data" / f"{name}.json", what=f"parameter file {name}.json", next="restore it from git", by_hand=True)
        if not isinstance(value, dict):
            raise UsageError(f"{name}.json is not a JSON object", given=str(self.folder / "data" / f"{name}.json"))
        return value

    @cached_property
    def _read(self) -> dict[str, bytes]:
        """Relative path -> bytes of all that can change an answer, each read once: the rules that judge are those that the digest names."""
        others = [self.folder / name for name in ("checkov_baseline.json", "reviewed_types.json")]
        files = [*(path for top in _JUDGING for path in self._judging(top)), *(path for path in others if path.exists())]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in files}

    def _judging(self, top: str) -> list[Path]:
        """Files under `top` that can change an answer: neither tests nor samples do."""
        found = [Path(inside, name) for inside, _, names in os.walk(self.folder / top) for name in names if name.endswith(".rego") or top in _WHOLE]
        return sorted((path for path in found if not path.name.endswith("_test.rego")), key=lambda path: path.parts)

    def _rule(self, kind: Kind, folder: Path) -> Rule:
        path = folder / f"{folder.name}.rego"
        text = self.modules.get(path.relative_to(self.folder).as_posix())
        if text is None:
            raise UsageError(f"policies/{kind}/{folder.name} holds no rule", given=str(folder), allowed=f"{folder.name}.rego in it", next=_NEXT)
        package = re.search(r"^package\s+(\S+)\s*$", text, re.MULTILINE)
        if package is None or package[1] != f"falaj.{kind}.{folder.name}":
            raise UsageError(
                f"the package of rule {folder.name} is not its id",
                given=package[1] if package else "no package",
                allowed=f"falaj.{kind}.{folder.name}",
                why="folder, package and id are one name, so that a rule cannot be lost by renaming",
                next=_NEXT,
            )
        missing = [name for name in ("judged", "fail", "unknown") if not re.search(rf"^{name}\b", text, re.MULTILINE)]
        if missing:
            raise UsageError(
                f"rule {folder.name} does not say {', '.join(missing)}",
                given=str(path),
                allowed="judged, fail and unknown",
                why="a rule that cannot fail, or cannot say that it does not know, judges nothing",
                next=_NEXT,
            )
        about = metadata(text, name=folder.name)
        wrong = problems(about, self._metadata_schema)
        if kind == "repository" and not wrong:
            wrong = [f"{fact} is no fact of a repository" for fact in about["custom"].get("reads", []) if not self._is_fact(fact)]
        if wrong:
            raise UsageError(f"the metadata of rule {folder.name} is wrong", given=str(path), why="; ".join(wrong), next=_NEXT)
        return Rule(id=folder.name, kind=kind, path=path, title=about["title"].strip(), description=about["description"].strip(), **about["custom"])


def load_library(folder: Path | None = None) -> Library:
    """The library in `folder`, the checkout's own unless named."""
    return Library.open(folder)


def metadata(text: str, *, name: str) -> dict[str, Any]:
    """The YAML of the first METADATA block of a Rego file, which stands above its package."""
    block = re.search(r"^# METADATA\n((?:#.*\n)+)", text)
    try:
        value = yaml.load(re.sub(r"^# ?", "", block[1], flags=re.MULTILINE), _YAML) if block else None
    except yaml.YAMLError as problem:
        raise UsageError(f"the metadata of {name} is not YAML", why=str(problem).replace("\n", " "), next=_NEXT) from problem
    if not isinstance(value, dict):
        raise UsageError(f"{name} has no METADATA block at its top", allowed="# METADATA, title, description, custom", next=_NEXT)
    return value


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` wins; objects are merged key by key, lists are replaced whole."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        merged[key] = _laid_over(below[key], value) if both else value
    return merged
