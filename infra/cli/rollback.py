"""`falaj rollback`: serve an earlier release again."""

from __future__ import annotations

from typing import Any

import click

from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, progress


@click.command()
@environment_option
@click.option("--to", "version", help="Version to serve; the one before the current where left out.")
@json_option
def rollback(environment: str, version: str | None, as_json: bool) -> None:
    """Point to an earlier release, after verifying it, and wait until it is served. Nothing is trained or built."""
    from infra.cli import road
    from workloads import register

    road.require_local(environment, "falaj rollback")
    client = road.connect()
    store = road.release_store(client)
    before = store.read_json("current.json") or {}
    pointer: dict[str, Any] = register.rollback(store, version)
    road.note(environment, "rolled back", pointer["version"], {"instead_of": str(before.get("version")), "digest": pointer["digest"]})
    progress(f"pointing to {pointer['version']} instead of {before.get('version')}")
    address = road.wait_until_served(client, pointer["version"], progress)
    result = {"release": pointer["version"], "instead_of": before.get("version"), "address": address}
    emit(result, as_json, lambda: f"{address} serves {pointer['version']} again, instead of {before.get('version')}")
