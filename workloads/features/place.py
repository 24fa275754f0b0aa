"""Where features are kept: a folder with SQLite, or a bucket with a DynamoDB table of the stack's."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from falaj.errors import UsageError

_VARIABLES = ("FALAJ_FEATURE_STORE", "FALAJ_FEATURE_TABLE", "AWS_REGION")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")


@dataclass(frozen=True)
class Place:
    """A folder, or `s3://bucket/prefix` with a table in a region."""

    uri: str
    table: str | None = None
    """DynamoDB table of the online features; None: SQLite, in a file beside the version's table."""
    region: str | None = None

    def at(self, name: str) -> str:
        """What is called `name` in this place."""
        return f"{self.uri.rstrip('/')}/{name}"


def place(environ: Mapping[str, str] | None = None, *, otherwise: Path | None = None) -> Place | None:
    """The place that FALAJ_FEATURE_STORE names, else the folder `otherwise`, else none.

    Raises UsageError for a bucket without table or region, a table without a bucket, or a place of another kind.
    """
    environ = os.environ if environ is None else environ
    uri, table, region = (environ.get(name) or None for name in _VARIABLES)
    if uri is None:
        if table is not None:
            raise UsageError("there is a table for features and no bucket", given=f"FALAJ_FEATURE_TABLE={table}", next="set FALAJ_FEATURE_STORE to s3://...")
        return Place(str(otherwise.absolute())) if otherwise else None
    if not uri.startswith("s3://"):
        if "://" in uri:
            raise UsageError("features cannot be kept there", given=f"FALAJ_FEATURE_STORE={uri}", allowed="a folder, or s3://bucket/prefix")
        if table is not None:
            raise UsageError(
                "a folder of features has no table beside it",
                given=f"FALAJ_FEATURE_STORE={uri}, FALAJ_FEATURE_TABLE={table}",
                why="its online store is a file of SQLite in that folder",
                next="unset FALAJ_FEATURE_TABLE, or name a bucket",
            )
        return Place(str(Path(uri).absolute()))
    if table is None or region is None or not _TABLE.fullmatch(table):
        raise UsageError(
            "a bucket of features needs a DynamoDB table and a region beside it",
            given=", ".join(f"{name}={environ.get(name, '')}" for name in _VARIABLES),
            allowed="the table's name in FALAJ_FEATURE_TABLE, the region in AWS_REGION",
            why="the region is written down, so that no default of a profile sends features elsewhere",
            next="set all three, as the stack `workloads` does for its jobs",
        )
    return Place(uri, table, region)
