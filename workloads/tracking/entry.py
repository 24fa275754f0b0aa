"""One tracked run as a value: what MLflow will be told, all of it, with the times at which things happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

SCHEMA = "falaj.tracked/1"
Status = Literal["FINISHED", "FAILED", "KILLED"]
Point = tuple[int, int, float]
"""Step, milliseconds since 1970, value."""


@dataclass(frozen=True)
class Entry:
    """A run to be tracked. `key` names it: however often an entry of one key is sent, the server ends with one run."""

    key: str
    name: str
    started: int
    """Milliseconds since 1970, as `ended`."""
    ended: int
    status: Status = "FINISHED"
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[Point]] = field(default_factory=dict)
    datasets: list[dict[str, str]] = field(default_factory=list)
    """`name`, `digest`, `source` and `context` (training, evaluation) of what the run read."""
    version: dict[str, str] | None = None
    """`name` and `source` of the version of a registered model that the run is."""

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, value: Any) -> Entry:
        """Raises ValueError for what is none."""
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise ValueError(f"not a {SCHEMA}")
        try:
            found = cls(**{name: inner for name, inner in value.items() if name != "schema"})
            points = {name: [(int(step), int(at), float(number)) for step, at, number in series] for name, series in found.metrics.items()}
        except (TypeError, AttributeError) as problem:
            raise ValueError(str(problem)) from problem
        return replace(found, metrics=points)


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, keys joined by dots."""
    found: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            found |= flat(inner, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = inner
    return found
