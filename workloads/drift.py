"""Compares live requests with the release's reference profile: ok, drift, or too little data.

Thresholds come with the profile. They are what clean samples of the same size reach by chance, with a margin, so that clean
traffic raises no alarm; what exceeds one is named with its value.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from falaj.canonical import digest, digest_bytes
from falaj.errors import Fault, UsageError
from falaj.files import read_json, write_json
from workloads import reference
from workloads.release import DOCUMENT, POINTER
from workloads.serve import request_log
from workloads.serve.settings import log_days
from workloads.store import Store, releases_uri

SCHEMA = "falaj.drift/1"
REPORT = "drift/drift.json"
"""Where the report lies, below the folder of the request log."""
DEMO = "demo"
"""Tag of a demonstration's requests in the log."""
MINIMUM = reference.WINDOW_SIZES[0]
MOST = reference.WINDOW_SIZES[-1]
_HISTORY = 200

State = Literal["ok", "drift", "too_little_data"]


def judge(lines: Sequence[Mapping[str, Any]], release: Mapping[str, Any], *, now: datetime, since: float = 0.0, traffic: str = "live") -> dict[str, Any]:
    """The drift report of logged requests against a release's document.

    Only requests tagged `traffic` that this release answered count, the newest MOST of them, from `since` (seconds since
    1970) on. With fewer than MINIMUM the state is `too_little_data`, and no statistic is computed.
    """
    own = [line for line in lines if line.get("release") == release["version"] and line["time"] >= since and line.get("traffic", "live") == traffic]
    own = sorted(own, key=lambda line: line["time"])[-MOST:]
    statistics = reference.compare([_row(line) for line in own], release["profile"]) if len(own) >= MINIMUM else []
    drifted = [found for found in statistics if found["drift"]]
    state: State = "too_little_data" if len(own) < MINIMUM else "drift" if drifted else "ok"
    return {
        "schema": SCHEMA,
        "state": state,
        "release": release["version"],
        "profile": digest(release["profile"]),
        "window": {
            "traffic": traffic,
            "requests": len(own),
            "minimum": MINIMUM,
            "from": _time(own[0]["time"]) if own else None,
            "to": _time(own[-1]["time"]) if own else None,
        },
        "statistics": statistics,
        "reasons": [f"{found['feature']}: {found['statistic']} is {found['value']:.3f}, allowed is {found['threshold']:.3f}" for found in drifted],
        "decided_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _row(line: Mapping[str, Any]) -> reference.Row:
    return {
        "task": str(line["task"]),
        "words": int(line["words"]),
        "tokens": int(line["tokens"]),
        "unknown": int(line["unknown"]),
        "buckets": dict(line["buckets"]),
        "output_tokens": int(line["output_tokens"]),
        "label": str(line["label"]),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def current_release(store: Store) -> dict[str, Any]:
    """The document of the release that the pointer names. Raises UsageError before the first release, Fault when it does not match."""
    pointer = store.read_json(POINTER)
    if pointer is None:
        raise UsageError("nothing has been released yet", given=store.uri, next="falaj run")
    name = f"{pointer['version']}/{DOCUMENT}"
    data = store.read_bytes(name)
    if data is None or digest_bytes(data) != pointer["digest"]:
        raise Fault(f"{name} is not the document the pointer names", given=store.uri, next="falaj rollback")
    return store.read_json(name)


def measure(requests: Path, store: Store, *, now: datetime, since: float = 0.0, demo: str | None = None) -> dict[str, Any]:
    """Judge what is in the request log now and write the report beside it. Returns the report.

    `demo` judges a demonstration's requests instead of live ones and writes `drift/demo/drift-<demo>.json`, so that showing the alarm
    never raises it.
    """
    lines, release = list(request_log.read(requests, since=since)), current_release(store)
    if demo is not None:
        report = judge(lines, release, now=now, since=since, traffic=DEMO)
        write_json(requests / "drift" / "demo" / f"drift-{demo}.json", report)
        return report
    report = judge(lines, release, now=now, since=since)
    write_json(requests / REPORT, report)
    history = requests / "drift" / "history"
    write_json(history / f"{report['decided_at'].replace(':', '')}-{digest(report)[7:15]}.json", report)
    for old in sorted(history.glob("*.json"))[:-_HISTORY]:
        old.unlink(missing_ok=True)
    return report


def read_report(requests: Path) -> dict[str, Any]:
    """The last report. Raises UsageError when there is none or it was cut."""
    return read_json(requests / REPORT, what="drift report", next="falaj drift")


def main() -> int:
    """The scheduled job: FALAJ_REQUESTS and FALAJ_RELEASES in, `drift.json` out. Always 0 when a report was written.

    A drift is the report's to say, not the job's: a failed Job would only be run again.
    """
    folder = os.environ.get("FALAJ_REQUESTS")
    if not folder:
        raise UsageError("there is no request log", given="FALAJ_REQUESTS is not set", allowed="the folder the server logs to")
    now = datetime.now(UTC)
    gone = request_log.forget(Path(folder), now=now.timestamp(), days=log_days(os.environ))
    report = measure(Path(folder), Store.open(releases_uri()), now=now)
    print(*(f"removed {name}: its time is over" for name in gone), sep="\n", end="\n" if gone else "", flush=True)
    print(f"{report['state']}: {report['window']['requests']} requests of {report['release']}", *report["reasons"], sep="\n", flush=True)
    return 0
