"""`falaj rollback`: serve an earlier release again."""

from __future__ import annotations

from typing import Any

import click

from infra.cli.output import emit, progress


@click.command()
@click.option("--env", "environment", default="local", show_default=True, help="Environment to roll back.")
@click.option("--to", "version", help="Version to serve; the one before the current where left out.")
@click.option("--json", "as_json", is_flag=True, help="Print the new pointer as JSON.")
def rollback(environment: str, version: str | None, as_json: bool) -> None:
    """Point to an earlier release, after verifying it, and wait until it is served. Nothing is trained or built."""
    from infra.cli import road
    from workloads import register

    road.require_local(environment, "falaj rollback")
    client = road.connect()
    store = road.release_store(client)
    before = store.read_json("current.json") or {}
    pointer: dict[str, Any] = register.rollback(store, version)
    progress(f"pointing to {pointer['version']} instead of {before.get('version')}")
    address = road.wait_until_served(client, pointer["version"], progress)
    result = {"release": pointer["version"], "instead_of": before.get("version"), "address": address}
    emit(result, as_json, lambda: f"{address} serves {pointer['version']} again, instead of {before.get('version')}")
