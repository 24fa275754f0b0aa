"""What the commands that write evidence documents share: their options, who saw it, where documents lie."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from falaj.home import environment_folder

documents_option = click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Folder of the documents, instead of the environment's own.")
witness_key_option = click.option("--key", default="witness", show_default=True, help="Name of this installation's key to sign with.")


def seen_by(name: str | None = None) -> str:
    """Who saw it: `name`, else FALAJ_AUTHOR, else the user of this machine."""
    return name or os.environ.get("FALAJ_AUTHOR") or getpass.getuser()


def documents_folder(environment: str, folder: Path | None = None) -> Path:
    """Where the documents lie: `folder`, else the environment's own place."""
    return folder or environment_folder(environment) / "documents"


def written(
    kind: str,
    environment: str,
    facts: Mapping[str, Any],
    *,
    by: str | None = None,
    now: datetime | None = None,
    folder: Path | None = None,
    key: str = "witness",
) -> tuple[dict[str, Any], Path]:
    """A document of what was seen, signed and written, with its path. Raises UsageError for facts that are none of its kind."""
    from infra.pipeline.evidence_documents import sign, template, write

    document = sign(template(kind, environment, by=seen_by(by), now=now or datetime.now(UTC), facts=facts), key)
    return document, write(documents_folder(environment, folder), document)
