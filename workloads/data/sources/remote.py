"""Sources behind a network: an object of S3, rows of PostgreSQL, a `datasets` folder or hub name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from falaj.errors import Fault, UsageError
from workloads.data.sources.description import Description
from workloads.data.sources.files import FORMATS, Found

_ROWS = 2000
"""Rows that a server-side cursor fetches at a time."""


def fetch_object(address: str, folder: Path, version: str | None = None) -> Path:
    """The object of an `s3://` address as a file in `folder`, by way of the disk. Raises UsageError where there is none, Fault when S3 is away."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, key = address.removeprefix("s3://").partition("/")
    if not bucket or Path(key).suffix.lower() not in FORMATS:
        raise UsageError("that object cannot be read", given=address, allowed="s3://bucket/key that ends in " + ", ".join(FORMATS))
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "me-central-1"
    style = "path" if os.environ.get("AWS_ENDPOINT_URL") else "auto"
    settings = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, read_timeout=60, s3={"addressing_style": style})
    target = folder / Path(key).name
    try:
        client = boto3.client("s3", region_name=region, config=settings)
        answer = client.get_object(Bucket=bucket, Key=key, **({"VersionId": version} if version else {}))
        with target.open("wb") as stream:
            for chunk in answer["Body"].iter_chunks(1 << 20):
                stream.write(chunk)
    except ClientError as problem:
        code = problem.response.get("Error", {}).get("Code", "")
        kind = UsageError if code in ("NoSuchKey", "NoSuchBucket", "NoSuchVersion", "AccessDenied", "403", "404") else Fault
        raise kind("the object cannot be read", given=address, why=f"{code}: {problem.response['Error'].get('Message', '')}", next=_NEXT) from problem
    except BotoCoreError as problem:
        raise Fault("S3 does not answer", given=address, why=str(problem), next="nothing was changed; try again when it is back") from problem
    except OSError as problem:
        raise Fault("the object could not be written here", given=str(target), why=str(problem), next="free some disk space and try again") from problem
    if target.stat().st_size != answer["ContentLength"]:
        raise Fault("the object came in part only", given=f"{target.stat().st_size} of {answer['ContentLength']} bytes", next="try again")
    return target


_NEXT = "check bucket, key and the identity's rights"
_CORRECT = "correct the source file"


def sql_records(source: Description, after: Any = None) -> Iterator[tuple[Found, Any]]:
    """(record, value of the order column) of every row, or of those beyond `after`, in that order and from one snapshot of the database.

    Rows of equal order are sorted by what they hold, so that the same rows always come in the same order. Raises Fault when the database
    is away, UsageError for a table, column or query that it refuses.
    """
    import psycopg
    from psycopg import sql

    assert source.order
    inner = sql.SQL("({})").format(sql.SQL(source.query)) if source.query else sql.Identifier(*(source.table or "").split("."))  # ty: ignore[invalid-argument-type]
    order = sql.Identifier(source.order)
    beyond = sql.SQL(" WHERE {} > %s").format(order) if after is not None else sql.SQL("")
    # NULL is beyond nothing: such a row could never be read as new, so it is never read, and the count says so.
    query = sql.SQL("SELECT * FROM {} AS source{} ORDER BY {} NULLS LAST, source::text").format(inner, beyond, order)
    try:
        with psycopg.connect(source.address, connect_timeout=10) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            with connection.cursor(name="falaj_source") as cursor:
                cursor.itersize = _ROWS
                cursor.execute(query, [after] if after is not None else None)
                names = [column.name for column in cursor.description or ()]
                for number, values in enumerate(cursor, 1):
                    record = dict(zip(names, map(plain, values), strict=True))
                    at = record.get(source.order)
                    yield ((f"row {number}", source.renamed(record)) if at is not None else (f"row {number}", f"no {source.order}")), at
    except psycopg.OperationalError as problem:
        raise Fault("the database does not answer", given=source.name, why=_first(problem), next="nothing was changed; try again when it is back") from problem
    except psycopg.Error as problem:
        raise UsageError("the database refuses the query", given=source.table or "query", why=_first(problem), next=_CORRECT) from problem


def _first(problem: Exception) -> str:
    return str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__


def dataset_records(source: Description, base: Path) -> Iterator[Found]:
    """Records of a folder that `datasets` saved, or of a hub name, streamed. Raises UsageError for no such split, Fault when the hub is away."""
    import datasets

    name = source.address.removeprefix("datasets:")
    folder = base / name
    try:
        if folder.is_dir():
            loaded: Any = datasets.load_from_disk(str(folder))
            if isinstance(loaded, datasets.DatasetDict):
                loaded = loaded[source.split]
        else:
            loaded = datasets.load_dataset(name, source.config, split=source.split, revision=source.revision, streaming=True)
        for number, record in enumerate(loaded, 1):
            yield f"row {number}", source.renamed(_labelled(dict(record), loaded.features or {}))
    except (KeyError, ValueError) as problem:
        raise UsageError(
            "that data set cannot be read", given=f"{name}, split {source.split}", why=_first(problem), next="correct the source file"
        ) from problem
    except (OSError, ConnectionError) as problem:
        raise Fault(
            "the data set cannot be had",
            given=name,
            why=_first(problem),
            next="name a folder that `save_to_disk` wrote, or set HF_ENDPOINT to a mirror",
        ) from problem


def _labelled(record: dict[str, Any], features: Any) -> dict[str, Any]:
    # Class labels are numbers with names; a text-to-text model learns the names.
    for name, feature in features.items():
        if hasattr(feature, "int2str") and isinstance(record.get(name), int):
            record[name] = feature.int2str(record[name]) if record[name] >= 0 else None
    return record


def plain(value: Any) -> Any:
    """A value of a database as JSON holds it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
