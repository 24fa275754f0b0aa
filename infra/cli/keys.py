"""`falaj keys`: make, list and revoke the API keys of the inference server."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from falaj.home import keys_folder
from infra.cli.options import json_option
from infra.cli.output import emit, progress, table

_file_option = click.option(
    "--file", "file", type=click.Path(path_type=Path, dir_okay=False), help="The keys file; api-keys.json beside this machine's other keys where left out."
)


@click.group()
def keys() -> None:
    """Make, list and revoke API keys. Only hashes are kept; a running server reads the file again within a second or two."""


@keys.command()
@click.option("--owner", required=True, help="Whom the key is for.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(("generate", "jobs", "metrics")), help="What it may do; may be given again.  [generate, jobs]"
)
@click.option("--days", default=90, show_default=True, type=click.IntRange(0, 3650), help="How long it holds; 0 for ever.")
@click.option("--requests-per-minute", type=click.IntRange(1), help="Most requests in a minute.")
@click.option("--tokens-per-minute", type=click.IntRange(1), help="Most tokens to be generated in a minute, counted as asked for.")
@click.option("--tokens-per-request", type=click.IntRange(1), help="Most tokens of one answer.")
@_file_option
@json_option
def new(
    owner: str,
    scopes: tuple[str, ...],
    days: int,
    requests_per_minute: int | None,
    tokens_per_minute: int | None,
    tokens_per_request: int | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Make a key and print it, this once and never again."""
    from workloads.serve import keys as kept
    from workloads.serve.auth import Limits

    now, path = int(time.time()), file or _default()
    limits = Limits(requests_per_minute, tokens_per_minute, tokens_per_request)
    text, key = kept.new(owner, scopes=scopes or ("generate", "jobs"), expires=now + days * 86400 if days else None, limits=limits, now=now)
    kept.add(path, key)
    if as_json:
        emit({"key": text, "id": key.id, "owner": owner, "scopes": list(key.scopes), "expires": _day(key.expires), "file": str(path)}, True, str)
    else:
        click.echo(text)
    progress(f"key {key.id} of {owner}, good until {_day(key.expires)}; kept as a hash in {path}. It is not shown again.")


@keys.command(name="list")
@_file_option
@json_option
def list_(file: Path | None, as_json: bool) -> None:
    """List the keys of the file, never their text."""
    from workloads.serve import keys as kept

    now = time.time()
    found: list[dict[str, Any]] = [
        {
            "id": key.id,
            "owner": key.owner,
            "scopes": list(key.scopes),
            "created": _day(key.created),
            "expires": _day(key.expires),
            "holds": "revoked" if key.revoked is not None else "expired" if key.expires is not None and now >= key.expires else "yes",
            "limits": key.document()["limits"],
        }
        for key in kept.read(file or _default())
    ]
    rows = [[str(row["id"]), str(row["owner"]), " ".join(row["scopes"]), str(row["created"]), str(row["expires"]), str(row["holds"])] for row in found]
    emit(found, as_json, lambda: table(rows, ["id", "owner", "scopes", "made", "until", "holds"]) if rows else "there is no key")


@keys.command()
@click.argument("id")
@_file_option
def revoke(id: str, file: Path | None) -> None:
    """Let nobody in with the key ID any more, for good."""
    from workloads.serve import keys as kept

    key = kept.revoke(file or _default(), id, int(time.time()))
    click.echo(f"key {key.id} of {key.owner} is revoked; running servers of this file refuse it within two seconds")


@keys.command(name="callback-secret")
@click.argument("client")
@click.option("--key-file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The server's FALAJ_CALLBACK_KEY_FILE.")
def callback_secret(client: str, key_file: Path) -> None:
    """Print the secret that CLIENT (key:ID or oidc:SUBJECT) checks the signatures of its callbacks with."""
    from workloads.serve.callbacks import from_environment

    made = from_environment({"FALAJ_CALLBACK_KEY_FILE": str(key_file)})
    assert made is not None
    click.echo(made.secret(client))


def _default() -> Path:
    return keys_folder() / "api-keys.json"


def _day(seconds: int | None) -> str:
    return "for ever" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
