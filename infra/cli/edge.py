"""`falaj edge`: one folder that serves a release on a machine without a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from falaj.errors import Fault, UsageError
from falaj.home import ROOT
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, progress, table


@click.group()
def edge() -> None:
    """Build and check bundles: code, locked requirements, one release, a systemd unit, and a signature over all of it."""


@edge.command()
@environment_option
@click.option("--releases", metavar="PLACE", help="A folder of releases or s3://bucket/prefix; the environment's own where left out.")
@click.option("--release", "version", help="Version to put in; the current one where left out.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to make.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port of the unit.")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1, 256), help="Cores that the unit may use.")
@click.option("--memory", type=click.IntRange(64), help="Most memory of the unit in MiB; what the model needs where left out.")
@click.option("--wheelhouse", is_flag=True, help="Put the packages in, for a machine without an index; they are for this machine's kind alone.")
@json_option
def build(
    environment: str, releases: str | None, version: str | None, out: Path, port: int, threads: int, memory: int | None, wheelhouse: bool, as_json: bool
) -> None:
    """Make a bundle of a verified release and sign it with the key that signs releases."""
    from workloads.edge.bundle import Limits
    from workloads.edge.bundle import build as make
    from workloads.release import POINTER, public_half, signing_key_file, trusted_key, verify
    from workloads.store import Store

    store = Store.open(releases or _own_store(environment))
    wanted = version or (store.read_json(POINTER) or {}).get("version")
    if not wanted:
        raise UsageError("nothing has been released yet", given=store.uri, next="falaj run, or --releases")
    private = signing_key_file()
    with tempfile.TemporaryDirectory(prefix="falaj-edge-") as scratch:
        store.get_folder(wanted, Path(scratch) / wanted)
        release = verify(Path(scratch) / wanted, trusted_key())
        wheels = _wheels(Path(scratch) / "wheels") if wheelhouse else None
        facts = make(release, out.absolute(), private, limits=Limits(port, threads, memory), wheelhouse=wheels)
    key = out.with_name(f"{out.name}.pem")
    key.write_bytes(public_half(private))
    facts["key"] = str(key)
    rows = [[name, str(value)] for name, value in facts.items()]
    emit(facts, as_json, lambda: table(rows) + f"\n\nTake {out} and, another way, {key} to the machine; there: sh install.sh --trusted-key {key.name}")


@edge.command()
@click.argument("bundle", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--trusted-key", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Public key; this machine's own where left out.")
def check(bundle: Path, trusted_key: Path | None) -> None:
    """Check a bundle's signature and each of its files: exit 3 when it is not what was signed."""
    from workloads import release
    from workloads.edge.signed import check as check_bundle

    number = check_bundle(bundle, trusted_key.read_bytes() if trusted_key else release.trusted_key())
    click.echo(f"{bundle} is whole: {number} files")


def _own_store(environment: str) -> str:
    from infra.cli import road

    road.require_local(environment, "falaj edge build")
    return road.release_store(road.connect()).uri


def _wheels(folder: Path) -> Path:
    progress("fetching the packages")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, "-r", str(ROOT / "requirements/serve.txt"), "-d", str(folder)], capture_output=True, text=True, check=False, env={**os.environ}
    )
    if done.returncode:
        raise Fault("the packages could not be fetched", why=done.stderr.strip()[-400:], next="leave --wheelhouse out; the machine then needs an index itself")
    return folder
