"""The residency record: per data class why it stays, where it lies, what is decided for the loss of the region, and which exceptions are in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from falaj.errors import UsageError
from infra.config import naming, regions
from infra.config.classes import CLASSES, ClassName, Residency
from infra.config.model import DATABASE_CLASS, FEATURES_CLASS, FILES_CLASS, FoundationConfig
from infra.config.teams import buckets
from infra.pipeline.library import Library
from infra.pipeline.waivers import leaving

SCHEMA = "falaj.residency/1"
_CHECK = "C01"
"""What rules bear on that keep data in the country."""
PLACES = ("buckets", "tables", "file_systems", "databases")
"""Kinds of places where a class of data lies."""
_DECISIONS = Path(regions.__file__).with_name("residency.yaml")


class Decision(BaseModel):
    """What is done with one class of data when the region is lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision: Literal["stay", "copy", "basis"]
    owner: str
    decided: date
    review_by: date
    why: str
    document: str = ""
    """Where the legal basis lies, for `basis`."""


@cache
def decisions(path: Path = _DECISIONS) -> dict[ClassName, Decision]:
    """Class -> decision. Raises UsageError for a file that is none, and for a class that nobody has decided about or that there is not."""
    try:
        found = {name: Decision.model_validate(entry) for name, entry in yaml.safe_load(path.read_text(encoding="utf-8"))["decisions"].items()}
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as problem:
        raise UsageError("the residency decisions cannot be read", given=str(path), why=str(problem).splitlines()[0], next="put the file right") from problem
    wrong = sorted(set(CLASSES) ^ set(found))
    if wrong:
        raise UsageError(
            f"residency: {'nobody has decided about' if wrong[0] in CLASSES else 'there is no data class'} '{wrong[0]}'",
            given=str(path),
            allowed=f"one decision for each of {', '.join(CLASSES)}",
            next="runbooks/residency_exception.md says what there is to decide",
        )
    return {name: found[name] for name in CLASSES}


def record(config: FoundationConfig, library: Library, *, now: str, decided: dict[ClassName, Decision] | None = None) -> dict[str, Any]:
    """The record of one environment at `now` (RFC 3339, UTC). `open` says what somebody has to do about it; empty where nothing."""
    decided = decided or decisions()
    parameters = library.parameters(config.environment, now)
    waivers = _in_force(library, config.environment, parameters, now)
    classes = {name: _class(config, name, decided[name], [each for each in waivers if name in each["data_classes"]]) for name in CLASSES}
    reviewed = parameters["global_services"]["reviewed"]
    abroad = {name: {"place": place, "used": name in reviewed, "why": reviewed.get(name, "")} for name, place in regions.regions().global_services.items()}
    return {
        "schema": SCHEMA,
        "environment": config.environment,
        "at": now,
        "allowed_regions": list(config.allowed_regions),
        "policy": library.digest,
        "classes": classes,
        "global_services": abroad,
        # Whoever answers under such a name may be anywhere.
        "ways_out": list(config.network.egress.domains) if config.network.egress else [],
        "rules": sorted(rule.id for rule in library.rules if rule.check == _CHECK),
        "open": _open(decided, classes, datetime.fromisoformat(now).date()),
    }


def _class(config: FoundationConfig, name: ClassName, decision: Decision, exceptions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    known = CLASSES[name]
    stored = _places(config, name)
    return {
        "residency": known.residency.value,
        "why": known.residency.reason,
        "legal_basis": known.legal_basis,
        "retention_days": config.retention_of(name),
        "region": config.region,
        **stored,
        "key": naming.key_alias(config, name) if any(stored.values()) else "",
        "on_loss_of_region": {**decision.model_dump(mode="json"), "exceptions": list(exceptions)},
    }


def _places(config: FoundationConfig, name: ClassName) -> dict[str, list[str]]:
    """Kind of place -> names of those that hold the class; kinds as in `PLACES`."""
    return {
        "buckets": [naming.bucket_name(config, bucket.name) for bucket in buckets(config) if bucket.data_class == name],
        "tables": [naming.feature_table(config)] if name == FEATURES_CLASS else [],
        "file_systems": [naming.file_system(config, team) for team in ("", *(each.name for each in config.teams))] if name == FILES_CLASS else [],
        "databases": [naming.database(config)] if name == DATABASE_CLASS and config.tracking == "server" else [],
    }


def _in_force(library: Library, environment: str, parameters: dict[str, Any], now: str) -> list[dict[str, Any]]:
    return [
        {**document["residency"], **{key: document[key] for key in ("id", "owner", "resource", "expires", "reason")}}
        for document, why_not in leaving(library.folder, environment, parameters, now)
        if not why_not
    ]


def _open(decided: Mapping[ClassName, Decision], classes: Mapping[ClassName, dict[str, Any]], today: date) -> list[str]:
    found = []
    for name, decision in decided.items():
        abroad = classes[name]["on_loss_of_region"]["exceptions"]
        if decision.review_by < today:
            found.append(f"{name}: its decision was to be looked at again by {decision.review_by}")
        if decision.decision == "basis" and not decision.document:
            found.append(f"{name}: a legal basis lies ready, and nothing says where")
        if decision.decision == "copy" and CLASSES[name].residency is not Residency.FREE and not abroad:
            found.append(f"{name}: a copy abroad is decided, and no exception in force lets it be there")
        if decision.decision == "stay" and abroad:
            found.append(f"{name}: it is to stay, and {abroad[0]['id']} lets a copy be in {abroad[0]['copy_region']}")
    return found
