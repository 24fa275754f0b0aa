"""How well a tokenizer must suit the data for a run to go on. The numbers stand in `workloads/params.yaml`, under `tokens`; FALAJ_PARAMS names another file."""

from __future__ import annotations

import os
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from falaj.errors import UsageError

PARAMS = Path(__file__).parents[1] / "params.yaml"


class Limits(BaseModel):
    """Shares are in [0, 1], each of one language's sources or targets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    most_unknown: float = Field(ge=0, le=1)
    """Characters that the vocabulary does not know."""
    most_altered: float = Field(ge=0, le=1)
    """Texts that come back from their tokens as other texts, though each piece is known."""
    most_cut_sources: float = Field(ge=0, le=1)
    """Sources longer than the recipe's `input_tokens`."""
    most_cut_targets: float = Field(ge=0, le=1)
    """Targets longer than the recipe's `target_tokens`."""
    fewest: int = Field(ge=1)
    """Texts of a language below which nothing is said of it."""
    most_unused: int = Field(ge=0)
    """Rows of the model's vocabulary that no token has; models round their size up."""


def params_file() -> Path:
    """The file that the limits of this process stand in."""
    return Path(os.environ.get("FALAJ_PARAMS") or PARAMS)


def read_limits(path: Path | None = None) -> Limits:
    """The limits in `path`, else in this process's own file. Raises UsageError when the file lacks one, or holds what nobody reads."""
    path = path or params_file()
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Limits.model_validate(value["tokens"])
    except ValidationError as problem:
        given = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problem.errors())
        raise UsageError(
            "the limits of the tokenizer checks cannot be used", given=f"{path}, tokens: {given}", allowed=", ".join(Limits.model_fields)
        ) from problem
    except (OSError, yaml.YAMLError, TypeError, KeyError) as problem:
        raise UsageError(
            "there are no limits for the tokenizer checks", given=str(path), allowed="a mapping `tokens`", why=f"{type(problem).__name__}: {problem}"
        ) from problem
