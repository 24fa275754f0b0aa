"""Decides from a drift report whether a new run is due, and says why in a form that the run's record keeps."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from falaj.errors import Undecided, UsageError
from workloads.drift import read_report


def decide(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The cause of a new run, or None where the report sees no drift. Raises Undecided when the report had too little data.

    The cause holds the report's digest, so the same report asks for the same run however often it is read.
    """
    if report["state"] == "too_little_data":
        window = report["window"]
        raise Undecided(
            "there is too little data to decide on retraining",
            given=f"{window['requests']} requests of release {report['release']}",
            allowed=f"at least {window['minimum']}",
            next="wait for more requests, or start a run yourself: falaj run",
        )
    if report["state"] != "drift":
        return None
    return {"kind": "drift", "report": digest(report), "release": report["release"], "decided_at": report["decided_at"], "reasons": report["reasons"]}


def main() -> int:
    """Print the cause of a due run as JSON, or `null`; FALAJ_REQUESTS names the folder of the request log."""
    folder = os.environ.get("FALAJ_REQUESTS")
    if not folder:
        raise UsageError("there is no request log", given="FALAJ_REQUESTS is not set", allowed="the folder the server logs to")
    print(json.dumps(decide(read_report(Path(folder))), ensure_ascii=False), flush=True)
    return 0
