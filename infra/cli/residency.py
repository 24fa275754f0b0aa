"""`falaj residency`: per data class why it stays in the country, where it lies, and what is decided for the loss of the region."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from falaj.errors import Exit
from falaj.home import environment_folder
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, table


@click.command()
@environment_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write, instead of the environment's own, which the evidence takes in.")
@json_option
def residency(environment: str, out: Path | None, as_json: bool) -> int:
    """Write the residency record: decisions, places, exceptions in force. Exit code 4 where something in it is open."""
    from falaj.canonical import canonical, digest
    from falaj.files import write_durably
    from infra.audit import chain
    from infra.audit.residency import record
    from infra.config.load import load_environment
    from infra.pipeline.library import Library

    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = record(load_environment(environment).foundation, Library.open(), now=now)
    path = out or environment_folder(environment) / "judged" / "residency" / "residency.json"
    write_durably(path, canonical(made))
    chain.append(environment, "recorded", "residency", {"digest": digest(made), "open": len(made["open"])}, now)
    emit({**made, "file": str(path)}, as_json, lambda: _shown(made, path))
    return int(Exit.UNDECIDED if made["open"] else Exit.DONE)


def _shown(made: dict[str, Any], path: Path) -> str:
    from infra.audit.residency import PLACES

    rows = []
    for name, one in made["classes"].items():
        lost = one["on_loss_of_region"]
        what = [lost["decision"], lost["owner"], lost["review_by"], str(len(lost["exceptions"]))]
        rows.append([name, one["residency"], f"{sum(len(one[kind]) for kind in PLACES)} in {one['region']}", *what])
    lines = [table(rows, ["class", "why it stays", "places", "region lost", "owner", "review by", "exceptions"])]
    lines += [f"way out: {each}" for each in made["ways_out"]]
    lines += [f"open: {each}" for each in made["open"]]
    return "\n".join([*lines, f"wrote {path}"])
