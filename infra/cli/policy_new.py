"""`falaj policy new`: a rule's folder to start from."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from infra.cli.options import json_option
from infra.cli.output import emit


@click.command()
@click.argument("rule")
@click.option("--title", required=True, help="What holds, as a sentence: A bucket is encrypted with a key of ours.")
@click.option("--check", required=True, help="The check it belongs to, C01 to C36.")
@click.option("--type", "type", required=True, help="Resource type it judges, such as aws:s3/bucket:Bucket.")
@click.option("--property", "property", required=True, help="Top-level input it asks about, in camelCase.")
@click.option("--severity", default="medium", show_default=True, type=click.Choice(["low", "medium", "high", "critical"]))
@click.option("--policies", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Another library than the checkout's.")
@json_option
def new(rule: str, title: str, check: str, type: str, property: str, severity: str, policies: Path | None, as_json: bool) -> None:
    """Write the five files of RULE, advisory until you say otherwise: change them into what you mean, then `falaj policy test RULE`."""
    from infra.authoring.scaffold import Wanted, scaffold
    from infra.pipeline.library import Library

    written = scaffold(Library.open(policies), Wanted(rule, title, check, type, property, datetime.now(UTC).date().isoformat(), severity))
    paths = [os.path.relpath(path) for path in written]
    emit({"files": paths}, as_json, lambda: "\n".join([*paths, "", f"next: change {paths[0]}, then falaj policy test {rule}"]))
