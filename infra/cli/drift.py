"""`falaj drift`: are live requests still like the data the release was judged with? And is what is live still what was applied?"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from falaj.errors import Drifted, FalajError, Fault, Undecided, UsageError
from infra.cli.options import engine_option, environment_option, json_option
from infra.cli.output import emit, progress, table

_DEMO_ROWS = 200
_BATCH = 8
_OF_RESOURCES = "--trail, --deposit, --engine"
_ARABIC = "مرحبا كيف يمكنني تجديد رخصة القيادة في دبي أريد خدمة العملاء طلب جديد وثيقة هوية سكن موعد دفع رسوم شكوى تأشيرة شركة"
"""The demonstration's other world: customers who write Arabic to a model that was trained on English."""


@click.command()
@environment_option
@click.option("--hours", type=float, help="Only requests of the last hours; all of the current release where left out.")
@click.option("--demo", is_flag=True, help="Send held-out rows, then Arabic ones, and show that only the second raises the alarm.")
@click.option("--infrastructure", is_flag=True, help="Look at every stack instead: what is live, beside what was applied. Changes nothing.")
@click.option("--trail", type=click.Path(path_type=Path), help="Folder of CloudTrail's log files, to say who changed what (with --infrastructure).")
@click.option("--deposit", is_flag=True, help="Put the signed report into the environment's evidence bucket too (with --infrastructure).")
@engine_option
@json_option
def drift(
    environment: str, hours: float | None, demo: bool, infrastructure: bool, trail: Path | None, deposit: bool, engine_name: str | None, as_json: bool
) -> None:
    """Judge the request log. Exit 0 when it is as the reference, 5 on drift, 4 with too little data.

    With --infrastructure: exit 0 when every resource is as it was applied, 5 when somebody changed one.
    """
    from infra.cli import road

    refuse_mixture(infrastructure, requests=hours is not None or demo, resources=trail is not None or deposit or engine_name is not None)
    if infrastructure:
        from infra.cli import drift_infrastructure

        drift_infrastructure.run(environment, engine_name, trail, as_json, road.utc_now(), deposit=deposit)
        return
    road.require_local(environment, "falaj drift")
    if demo:
        result = demonstrate(environment)
        emit(result, as_json, lambda: show_demo(result))
        return
    report = measure(environment, since=0.0 if hours is None else time.time() - 3600 * hours)
    emit(report, as_json, lambda: show(report))
    if report["state"] == "drift":
        road.note(environment, "drift found", report["release"], {"requests": report["window"]["requests"], "reasons": "; ".join(report["reasons"])})
    if problem := verdict(report):
        raise problem


def refuse_mixture(infrastructure: bool, *, requests: bool, resources: bool) -> None:
    """Raise UsageError for options of one kind of drift beside the other kind."""
    if requests if infrastructure else resources:
        wrong, right = ("--hours, --demo", _OF_RESOURCES) if infrastructure else (_OF_RESOURCES, "--hours, --demo")
        kind = "infrastructure" if infrastructure else "live requests"
        raise UsageError(f"these options do not go with the drift of {kind}", given=wrong, allowed=right, next="leave them out, or ask twice")


def measure(environment: str, *, since: float = 0.0, demo: str | None = None) -> dict[str, Any]:
    """Judge the environment's request log now, from `since` (seconds since 1970) on. Returns the report, which is also written.

    `demo` names a demonstration's own report, made of its own requests only.
    """
    from falaj.home import volume_folder
    from infra.cli import road
    from workloads.drift import measure as measure_log

    client = road.connect()
    folder = volume_folder(environment, road.INFERENCE, "requests")
    return measure_log(folder, road.release_store(client), now=datetime.now(UTC), since=since, demo=demo)


def verdict(report: dict[str, Any]) -> FalajError | None:
    """The error that a report means for the caller, or None where it is ok."""
    window = report["window"]
    if report["state"] == "too_little_data":
        return Undecided(
            "there is too little data to tell",
            given=f"{window['requests']} requests of release {report['release']}",
            allowed=f"at least {window['minimum']}",
            next="wait for more requests, or see it at work: falaj drift --demo",
        )
    if report["state"] == "drift":
        return Drifted(
            "live requests have drifted from the reference",
            given=f"{window['requests']} requests from {window['from']} to {window['to']}",
            why="\n           ".join(report["reasons"]),
            next="runbooks/drift_alarm.md; falaj run --retrain with newer data, or falaj rollback",
        )
    return None


def demonstrate(environment: str) -> dict[str, Any]:
    """Send clean, then shifted traffic to the live service, and judge each by its own window of the log.

    Returns both reports. Raises Fault when clean traffic alarmed or shifted traffic did not.
    """
    from falaj.home import runs_folder
    from infra.cli import road
    from workloads.register import split_rows, spread

    client = road.connect()
    live = road.look(client)
    if "version" not in live:
        raise UsageError("nothing is being served", given=str(live.get("reason")), next="falaj up --env local")
    prepared = runs_folder(environment) / live["run"] / "prepare"
    sources = [source for _, source, _ in spread(split_rows(prepared, "test"), _DEMO_ROWS)]
    reports = {}
    for name, change in (("clean", None), ("shifted", to_arabic)):
        since = time.time()
        send(live["address"], [change(source) if change else source for source in sources], lambda done, name=name: progress(f"{name}: {done} requests sent"))
        reports[name] = measure(environment, since=since, demo=name)
        progress(f"{name}: {reports[name]['state']}")
    wrong = [name for name, expected in (("clean", "ok"), ("shifted", "drift")) if reports[name]["state"] != expected]
    if wrong:
        raise Fault(f"the demonstration failed for {' and '.join(wrong)} traffic", given=json.dumps({name: reports[name]["reasons"] for name in wrong}))
    return reports


def to_arabic(source: str) -> str:
    """The same task and about the same length, in another language; the same for the same source every time."""
    prefix, colon, body = source.partition(":")
    words = len((body if colon else source).split())
    vocabulary = _ARABIC.split()
    start = sum(map(ord, source))
    picked = [vocabulary[(start + step * step) % len(vocabulary)] for step in range(max(3, words))]
    return f"{prefix}{colon} {' '.join(picked)}" if colon else " ".join(picked)


def send(address: str, sources: Sequence[str], said: Callable[[int], None]) -> None:
    """POST `sources` in small batches, waiting where the server asks for it."""
    for start in range(0, len(sources), _BATCH):
        body = json.dumps({"texts": list(sources[start : start + _BATCH])}).encode()
        request = urllib.request.Request(f"{address}/generate", data=body, headers={"Content-Type": "application/json", "X-Falaj-Traffic": "demo"})
        for _ in range(30):
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    answer.read()
                break
            except urllib.error.HTTPError as problem:
                if problem.code not in (429, 503):
                    raise Fault(f"the server answered {problem.code}", given=address, why=problem.read().decode(errors="replace")[:300]) from problem
                time.sleep(float(problem.headers.get("Retry-After") or 1))
            except OSError as problem:
                raise Fault("the server cannot be reached", given=address, why=str(problem), next="falaj status") from problem
        else:
            raise Fault("the server stayed busy", given=address, next="try again later")
    said(len(sources))


def show(report: dict[str, Any]) -> str:
    """A report as a person reads it."""
    window = report["window"]
    rows = [
        [found["feature"], found["statistic"], f"{found['value']:.4f}", f"{found['threshold']:.4f}", "DRIFT" if found["drift"] else "ok"]
        for found in report["statistics"]
    ]
    head = f"{report['state'].replace('_', ' ')}: {window['requests']} requests to {report['release']}"
    span = f"from {window['from']} to {window['to']}" if window["from"] else f"at least {window['minimum']} are needed"
    return "\n".join([head, span, *([table(rows, ["feature", "statistic", "value", "threshold", ""])] if rows else [])])


def show_demo(reports: dict[str, Any]) -> str:
    """Both reports of the demonstration, one after the other."""
    return "\n\n".join(f"{name} traffic\n{show(report)}" for name, report in reports.items())
