"""A source described in a file of its own: `NAME.source.yaml`, closed, with what to read, whose it is and how to clean it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from falaj.errors import UsageError
from workloads.data.clean.settings import Cleaning

SUFFIXES = (".yaml", ".yml")
_COLUMNS = ("source", "target", "task", "group", "id")


class Description(BaseModel):
    """What a source file says. Unknown keys are refused; a password in an address is too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    address: str
    """A path, `s3://bucket/key`, `postgresql://...`, or `datasets:FOLDER-OR-HUB-NAME`."""
    table: str | None = None
    """SQL: the table to read, with its schema where it needs one."""
    query: str | None = None
    """SQL: a query instead of a table."""
    order: str | None = None
    """SQL: the column that says which rows are new; it only grows, and rows below its largest value do not change."""
    split: str = "train"
    """datasets: which split of theirs to read."""
    config: str | None = None
    """datasets: which configuration of theirs to read."""
    revision: str | None = None
    """Hub: the revision to read, a commit where it must stay the same. S3: the version id of the object."""
    columns: dict[str, str] = {}
    """Our column -> theirs, for `source`, `target`, `task`, `group` and `id`."""
    licence: str = "unknown"
    uri: str = ""
    """Where the data comes from, for its card; the address without a password where left out."""
    cleaning: Cleaning = Cleaning()

    @field_validator("columns")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        if other := sorted(set(value) - set(_COLUMNS)):
            raise ValueError(f"{', '.join(other)} is none of our columns: {', '.join(_COLUMNS)}")
        return value

    @field_validator("address")
    @classmethod
    def _no_password(cls, value: str) -> str:
        if urlsplit(value).password:
            raise ValueError("a password stands in the address; use PGPASSWORD, PGPASSFILE or a service file")
        return value

    @property
    def kind(self) -> str:
        """file, s3, sql or datasets."""
        scheme = self.address.partition(":")[0]
        return {"s3": "s3", "postgresql": "sql", "postgres": "sql", "datasets": "datasets"}.get(scheme, "file")

    def renamed(self, record: dict[str, Any]) -> dict[str, Any]:
        """`record` with our names for the columns."""
        theirs = {name: ours for ours, name in self.columns.items()}
        return {theirs.get(name, name): value for name, value in record.items() if name in theirs or name not in self.columns}


def read(path: Path) -> Description:
    """The description in `path`; a relative file in it is meant from that folder. Raises UsageError for one that cannot be used."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError("it holds no mapping")
        found = Description(**_with_names(value, path.parent))
    except FileNotFoundError as problem:
        raise UsageError("there is no such file", given=str(problem.filename or path), next="docs/data.md shows a source file") from problem
    except (yaml.YAMLError, ValueError, TypeError) as problem:
        raise UsageError("the source file cannot be used", given=str(path), why=_said(problem), next="docs/data.md lists its keys") from problem
    _complete(found, path)
    if found.kind == "file":
        return found.model_copy(update={"address": str((path.parent / found.address.removeprefix("file://")).resolve())})
    return found


def _with_names(value: dict[str, Any], folder: Path) -> dict[str, Any]:
    """`value` with the lines of the file that `cleaning.names` names, where it is a file and no list."""
    cleaning = value.get("cleaning")
    if not isinstance(cleaning, dict) or not isinstance(cleaning.get("names"), str):
        return value
    lines = (folder / cleaning["names"]).read_text(encoding="utf-8").splitlines()
    return {**value, "cleaning": {**cleaning, "names": [line.strip() for line in lines if line.strip()]}}


def _said(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        # Without what was given: it may be an address with a password.
        return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in problem.errors(include_input=False))
    return str(problem)


def _complete(found: Description, path: Path) -> None:
    if found.kind == "sql" and (bool(found.table) == bool(found.query) or not found.order):
        raise UsageError(
            "a database is read by table or query, in an order",
            given=str(path),
            allowed="`table` or `query`, and `order`: a column",
            why="without an order the same rows would get another digest each time",
            next="name the primary key as `order`",
        )
