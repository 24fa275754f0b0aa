"""`falaj policy explain`: one rule in words."""

from __future__ import annotations

from pathlib import Path

import click

from infra.cli.options import environment_option, json_option
from infra.cli.output import emit


@click.command()
@click.argument("rule")
@environment_option
@click.option("--policies", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Another library than the checkout's.")
@json_option
def explain(rule: str, environment: str, policies: Path | None, as_json: bool) -> None:
    """Say what RULE holds and why, whom it judges, what to do when it fails, its numbers in an environment, its controls and samples."""
    from infra.authoring.explain import describe, find, show
    from infra.pipeline.library import Library

    library = Library.open(policies)
    about = describe(library, find(library, rule), environment)
    emit(about, as_json, lambda: show(about, environment))
