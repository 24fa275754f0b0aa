"""`falaj status`: what is up, and where."""

from __future__ import annotations

from typing import Any

import click

from falaj.home import environment_folder, evidence_folder
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, table


@click.command()
@environment_option
@json_option
def status(environment: str, as_json: bool) -> None:
    """Show the stacks as last applied, the servers that answer, the release that is served, and the evidence."""
    found = {
        "environment": environment,
        "stacks": stacks(environment),
        "parts": parts(environment) if environment == "local" else [],
        "records": records(environment),
    }
    emit(found, as_json, lambda: show(found))


def stacks(environment: str) -> list[dict[str, Any]]:
    """Each stack that was planned: its last decision and apply."""
    from falaj.errors import UsageError
    from infra.artifacts import ApplyRecord, Decision

    rows = []
    for folder in sorted((environment_folder(environment) / "stacks").glob("*")):
        row: dict[str, Any] = {"stack": folder.name, "verdict": None, "result": None, "serial": None, "finished_at": None}
        try:
            row["verdict"] = Decision.read(folder / "decision.json").verdict
            record = ApplyRecord.read(folder / "apply.json")
            row |= {"result": record.result, "serial": record.after.serial, "finished_at": record.finished_at}
        except UsageError:
            pass  # planned, but not judged or applied yet
        rows.append(row)
    return rows


def parts(environment: str) -> list[dict[str, Any]]:
    """The servers of the local environment and what they say."""
    from infra.cli import road
    from infra.sandbox.aws.service import aws_daemon
    from infra.sandbox.kubernetes.client import Client
    from infra.sandbox.kubernetes.service import kubernetes_daemon

    found: list[dict[str, Any]] = []
    for daemon in (aws_daemon(), kubernetes_daemon()):
        found.append({"part": daemon.name, "state": "up" if daemon.is_up() else "down", "address": daemon.url})
    if found[-1]["state"] == "up":
        live = road.look(Client(kubernetes_daemon().url))
        state = f"serving {live['version']}" if live.get("version") else str(live.get("reason") or "not ready")
        found.append({"part": "model", "state": state.splitlines()[0], "address": live.get("address", "")})
    return found


def records(environment: str) -> dict[str, str]:
    """The records that are there, by name."""
    candidates = {
        "evidence": evidence_folder(environment),
        "report": environment_folder(environment) / "report.html",
        "audit log": environment_folder(environment) / "audit.jsonl",
    }
    return {name: str(path) for name, path in candidates.items() if path.exists()}


def show(found: dict[str, Any]) -> str:
    """Three short tables."""
    if not found["stacks"]:
        return f"{found['environment']}: nothing was planned yet; falaj up --env {found['environment']}"
    rows = [
        [row["stack"], row["verdict"] or "not judged", row["result"] or "not applied", str(row["serial"] or "-"), row["finished_at"] or "-"]
        for row in found["stacks"]
    ]
    tables = [table(rows, ["stack", "gate", "last apply", "serial", "at"])]
    if found["parts"]:
        tables.append(table([[part["part"], part["state"], part["address"]] for part in found["parts"]], ["part", "state", "address"]))
    if found["records"]:
        tables.append(table(list(map(list, found["records"].items()))))
    return "\n\n".join(tables)
