"""`falaj policy docs`: the pages that the rules make."""

from __future__ import annotations

import click

from falaj.errors import Denied
from falaj.home import ROOT
from infra.cli.options import json_option
from infra.cli.output import emit


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 3 when a page is stale.")
@json_option
def docs(check: bool, as_json: bool) -> None:
    """Write docs/policies and docs/controls from the rules and catalogues."""
    from infra.authoring.pages import stale, write
    from infra.pipeline.library import Library

    library, folder = Library.open(), ROOT / "docs"
    changed = stale(library, folder) if check else write(library, folder)
    emit({"changed": changed}, as_json, lambda: "\n".join(changed) or "all pages are as the rules say")
    if check and changed:
        raise Denied("pages are stale", given=", ".join(changed), next="falaj policy docs")
