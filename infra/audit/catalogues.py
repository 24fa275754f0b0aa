"""Control catalogues: which rule bears on which control of a law or standard, how strongly, and what stays with people."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from falaj.errors import UsageError
from falaj.home import ROOT
from infra.audit.sources import Kind

Strength = Literal["full", "partial", "supporting"]
"""How much of a control a rule covers: all of it for this platform, a part, or only something that helps."""
Standing = Literal["judged", "manual", "open", "inherited"]
"""Who can show a control: rules, people, nobody yet, or the provider for its half."""


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mapping(_Closed):
    """One rule that bears on a control; `why` is the reason for the strength."""

    rule: str
    strength: Strength
    why: str


class Control(_Closed):
    """One control in our own words. `documents` names kinds of evidence that help a person; they never make a control pass."""

    id: str
    about: str
    status: Standing
    rules: list[Mapping] = []
    manual: list[str]
    documents: list[Kind] = []
    gap: str = ""

    @model_validator(mode="after")
    def _stands_as_it_is_mapped(self) -> Self:
        if (self.status == "judged") != bool(self.rules):
            raise ValueError(f"control {self.id}: status is 'judged' exactly when it has rules")
        if self.status == "open" and not self.gap:
            raise ValueError(f"control {self.id}: what is open must be said in 'gap'")
        if len({mapping.rule for mapping in self.rules}) != len(self.rules):
            raise ValueError(f"control {self.id}: a rule is mapped twice")
        return self


class Catalogue(_Closed):
    """All controls of one law or standard, in its order."""

    schema_: Literal["falaj.catalogue/1"] = Field(alias="schema")
    framework: str
    name: str
    edition: str
    reviewed: date
    scope: str
    disclaimer: str
    controls: list[Control]

    @model_validator(mode="after")
    def _each_control_once(self) -> Self:
        seen: set[str] = set()
        for control in self.controls:
            if control.id in seen:
                raise ValueError(f"control {control.id} stands twice")
            seen.add(control.id)
        return self


def frameworks(folder: Path | None = None) -> list[str]:
    """The frameworks there is a catalogue for."""
    return sorted(path.stem for path in _folder(folder).glob("*.yaml"))


def load_catalogue(framework: str, folder: Path | None = None) -> Catalogue:
    """The catalogue of `framework`. Raises UsageError when there is none or it is malformed."""
    path = _folder(folder) / f"{framework}.yaml"
    if framework not in frameworks(folder):
        raise UsageError(f"there is no catalogue for {framework!r}", given=framework, allowed=", ".join(frameworks(folder)), next="choose one of these")
    try:
        catalogue = Catalogue.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as problem:
        raise UsageError(f"the catalogue {path.name} is malformed", given=str(path), why=_reason(problem), next="correct the file") from problem
    if catalogue.framework != framework:
        raise UsageError(f"the catalogue {path.name} says it is for {catalogue.framework!r}", given=str(path), next="name the file for its framework")
    return catalogue


def _reason(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        first = problem.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(problem).splitlines()[0]


def _folder(folder: Path | None) -> Path:
    return folder or ROOT / "policies" / "catalogues"
