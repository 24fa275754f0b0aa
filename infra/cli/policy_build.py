"""`falaj policy build`: the same rules in the forms that other programs take."""

from __future__ import annotations

from pathlib import Path

import click

from infra.cli.options import ENVIRONMENTS, json_option
from infra.cli.output import emit, table


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--only", multiple=True, metavar="NAME", help="Build this output alone; may be given again.")
@click.option("--env", "environment", default="prod", show_default=True, type=click.Choice(ENVIRONMENTS), help="Environment whose parameters are built in.")
@click.option("--policies", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Another library than the checkout's.")
@json_option
def build(out: Path, only: tuple[str, ...], environment: str, policies: Path | None, as_json: bool) -> None:
    """Build the rules into OUT, one folder for each form; build.json lists every file with its digest.

    The same library gives the same bytes. docs/admission.md says how to use what is for a cluster.
    """
    from infra.pipeline.library import Library
    from infra.policy_build.outputs import build as build_all

    made = build_all(Library.open(policies), environment, out, only)
    rows = [[name, str(len(files)), str(out / name)] for name, files in made["outputs"].items()]
    emit(made, as_json, lambda: table(rows, ["output", "files", "folder"]) + f"\n\npolicies {made['policy_digest']}")
