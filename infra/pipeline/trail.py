"""Who changed something, as far as an audit trail tells: CloudTrail's log files in a folder, or what `aws cloudtrail lookup-events` prints.

A log file is JSON (`.json`, `.json.gz`) with `Records`; the answer of lookup-events has `Events`, whose `CloudTrailEvent` is one record as text.
CloudTrail's own digest files are passed over. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falaj.errors import UsageError

_SERVICES = {"vpc": ("ec2",), "cfg": ("config",), "cloudwatch": ("monitoring", "logs"), "efs": ("elasticfilesystem",), "lb": ("elasticloadbalancing",)}
"""Module of a resource type -> services whose calls change it, where they are called otherwise."""


@dataclass(frozen=True)
class Event:
    """One call that changed something, or tried to and did."""

    at: str
    """UTC, RFC 3339 with `Z`."""
    service: str
    call: str
    by: str
    """ARN of the identity (of a role's session, with its name), or the service that acted for itself."""
    where_from: str
    id: str
    words: frozenset[str]
    """Every text in what the call was given and answered: the names of what it was about are among them."""


def read_trail(folder: Path) -> list[Event]:
    """The successful changing calls in the files below `folder`, the oldest first, each once. Raises UsageError for a folder or file that is none."""
    if not folder.is_dir():
        raise UsageError("there is no folder of audit events here", given=str(folder), next="copy the log files of the trail there, or leave out --trail")
    found = {event.id: event for path in sorted(folder.rglob("*")) if _is_log(path) for record in _records(path) if (event := _event(record, path))}
    return sorted(found.values(), key=lambda event: (event.at, event.id))


def those_about(events: Sequence[Event], type_: str, names: Sequence[str], *, since: str = "") -> list[Event]:
    """The calls after `since` that named a resource of Pulumi type `type_` by one of its `names`; the newest first."""
    module = type_.split(":")[1].split("/")[0] if type_.count(":") > 1 else ""
    services = _SERVICES.get(module, (module,))
    wanted = set(names)
    return [event for event in reversed(events) if event.service in services and event.at > since and event.words & wanted]


def _is_log(path: Path) -> bool:
    return path.is_file() and path.name.endswith((".json", ".json.gz")) and "CloudTrail-Digest" not in path.as_posix()


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        data = path.read_bytes()
        document = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
        records = document["Records"] if "Records" in document else [json.loads(each["CloudTrailEvent"]) for each in document["Events"]]
        return [{**record} for record in records]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as problem:
        raise UsageError(
            "this file is no log of CloudTrail",
            given=str(path),
            allowed='JSON with "Records", or what aws cloudtrail lookup-events prints',
            why=f"{type(problem).__name__}: {problem}",
            next="copy it again; a file that is left out may hold the one name that is looked for",
        ) from problem


def _event(record: dict[str, Any], path: Path) -> Event | None:
    """One record; None for a call that only read, or failed."""
    if record.get("readOnly") is True or str(record.get("readOnly")).lower() == "true" or record.get("errorCode"):
        return None
    who = record.get("userIdentity") or {}
    try:
        return Event(
            at=record["eventTime"],
            service=record["eventSource"].removesuffix(".amazonaws.com"),
            call=record["eventName"],
            by=str(who.get("arn") or who.get("invokedBy") or who.get("principalId") or who.get("type") or "an identity that the event does not name"),
            where_from=str(record.get("sourceIPAddress") or ""),
            id=str(record.get("eventID") or f"{record['eventTime']} {record['eventName']} {path.name}"),
            words=frozenset(_words([record.get("requestParameters"), record.get("responseElements"), record.get("resources")])),
        )
    except (KeyError, AttributeError) as problem:
        raise UsageError("this event of the trail is none", given=str(path), why=f"it has no {problem}", next="copy the file again") from problem


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _words(each)
    elif isinstance(value, list):
        for each in value:
            yield from _words(each)
