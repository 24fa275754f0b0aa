"""`falaj seal`: keys that encrypt models, and releases that lie encrypted."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from falaj.errors import UsageError
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, table

if TYPE_CHECKING:
    from workloads.sealing_keys import SealingKey
    from workloads.store import Store

_PLACE = click.option("--releases", metavar="PLACE", help="A folder of releases or s3://bucket/prefix; the environment's own where left out.")


@click.group()
def seal() -> None:
    """Encrypt releases. FALAJ_SEALING_KEY names the key: a file, or kms:KEY-ID. New releases are sealed by themselves where it is set."""


@seal.command()
@click.argument("path", type=click.Path(path_type=Path))
def key(path: Path) -> None:
    """Make a key file, readable by you alone. Whatever it seals is lost with it: keep a copy where no model lies."""
    from workloads.sealing_keys import KeyFile

    KeyFile.make(path)
    click.echo(f"{path} is made; set FALAJ_SEALING_KEY={path.absolute()} where releases are made and where they are served")


@seal.command()
@environment_option
@_PLACE
@click.option("--release", "version", help="Version to seal; the current one where left out.")
@json_option
def release(environment: str, releases: str | None, version: str | None, as_json: bool) -> None:
    """Publish a sealed form of a release beside it, signed anew as VERSION-sealed. Point to it with falaj rollback --to VERSION-sealed."""
    from workloads import register
    from workloads.release import DOCUMENT, PUBLIC_KEY, SIGNATURE, signing_key_file, trusted_key, verify
    from workloads.release import seal as sign
    from workloads.sealing import is_sealed

    found, store = _key(), _store(environment, releases)
    wanted = version or _current(store)
    target = f"{wanted}-sealed"
    if store.read_bytes(f"{target}/{DOCUMENT}") is not None:
        raise UsageError("there is a sealed form already", given=target, next=f"falaj rollback --to {target}")
    with tempfile.TemporaryDirectory(prefix="falaj-seal-") as scratch:
        folder = Path(scratch) / target
        store.get_folder(wanted, folder)
        before = verify(folder, trusted_key())
        if is_sealed(before.model):
            raise UsageError("that release is sealed already", given=wanted)
        document = {name: value for name, value in before.document.items() if name not in ("files", "schema")}
        document |= {"version": target, "parent": wanted}
        register.seal_model(folder, document, found)
        for name in (DOCUMENT, SIGNATURE, PUBLIC_KEY):
            (folder / name).unlink()
        made = sign(folder, document, signing_key_file())
        store.put_folder(folder, target, last=DOCUMENT)
        shutil.rmtree(folder)
    emit({"version": target, "digest": made.digest, "of": wanted}, as_json, lambda: f"{target} is published; serve it with falaj rollback --to {target}")


@seal.command()
@environment_option
@_PLACE
@click.option("--release", "version", help="Version to check; the current one where left out.")
@json_option
def check(environment: str, releases: str | None, version: str | None, as_json: bool) -> None:
    """Open a sealed release as a server would, compare every file, and leave nothing behind."""
    from workloads.model_files import require_safe
    from workloads.release import trusted_key, verify
    from workloads.sealing import open_model

    store = _store(environment, releases)
    wanted = version or _current(store)
    with tempfile.TemporaryDirectory(prefix="falaj-seal-") as scratch:
        store.get_folder(wanted, Path(scratch) / wanted)
        with open_model(verify(Path(scratch) / wanted, trusted_key()), _key()) as opened:
            require_safe(opened.folder)
            facts = {"version": wanted, "sealed": opened.sealed, "in_memory": opened.in_memory, "files": len(list(opened.folder.iterdir()))}
    emit(facts, as_json, lambda: table([[name, str(value)] for name, value in facts.items()]))


def _key() -> SealingKey:
    from workloads.sealing_keys import SETTING, from_environment

    found = from_environment(os.environ)
    if found is None:
        raise UsageError("there is no key to seal with", given=f"{SETTING} is not set", allowed="a key file, or kms:KEY-ID", next="falaj seal key PATH")
    return found


def _store(environment: str, releases: str | None) -> Store:
    from workloads.store import Store

    if releases:
        return Store.open(releases)
    from infra.cli import road

    road.require_local(environment, "falaj seal")
    return road.release_store(road.connect())


def _current(store: Store) -> str:
    from workloads.release import POINTER

    version = (store.read_json(POINTER) or {}).get("version")
    if not version:
        raise UsageError("nothing has been released yet", given=store.uri, next="falaj run, or --release VERSION")
    return version
