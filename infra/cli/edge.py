"""`falaj edge`: one folder that serves a release on a machine without a cluster, and there also watches it and trains its successor."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from falaj.errors import Fault, UsageError
from falaj.home import ROOT
from infra.cli.options import ENVIRONMENTS, environment_option, json_option
from infra.cli.output import emit, progress, table

_place_option = click.option(
    "--place", default="/var/lib/falaj", show_default=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of runs, releases, requests."
)


@click.group()
def edge() -> None:
    """Build and check bundles: code, locked requirements, one release, systemd units, and a signature over all of it; run the road on such a machine."""


@edge.command()
@environment_option
@click.option("--releases", metavar="PLACE", help="A folder of releases or s3://bucket/prefix; the environment's own where left out.")
@click.option("--release", "version", help="Version to put in; the current one where left out.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to make.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port of the unit.")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1, 256), help="Cores that the unit may use.")
@click.option("--memory", type=click.IntRange(64), help="Most memory of the unit in MiB; what the model needs where left out.")
@click.option("--wheelhouse", is_flag=True, help="Put the packages in, for a machine without an index; they are for this machine's kind alone.")
@click.option("--road", is_flag=True, help="Also the code, the rules and the timers that watch what is asked and train successors there.")
@json_option
def build(
    environment: str,
    releases: str | None,
    version: str | None,
    out: Path,
    port: int,
    threads: int,
    memory: int | None,
    wheelhouse: bool,
    road: bool,
    as_json: bool,
) -> None:
    """Make a bundle of a verified release and sign it with the key that signs releases."""
    from workloads.edge.bundle import Limits, requirements
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
        wheels = _wheels(Path(scratch) / "wheels", requirements(road=road)) if wheelhouse else None
        facts = make(release, out.absolute(), private, limits=Limits(port, threads, memory), wheelhouse=wheels, road=road)
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


@edge.command("run")
@_place_option
@click.option("--data", envvar="FALAJ_EDGE_DATA", type=click.Path(path_type=Path, dir_okay=False), help="A JSONL, CSV or Parquet file; FALAJ_EDGE_DATA.")
@click.option("--recipe", envvar="FALAJ_EDGE_RECIPE", default="", help="Named training recipe; FALAJ_EDGE_RECIPE.")
@click.option("--env", "environment", default="onprem", show_default=True, type=click.Choice(ENVIRONMENTS), help="By whose rules the release is judged.")
@click.option("--retrain", is_flag=True, help="Start a run only if the last drift report asks for one.")
@json_option
def run_here(place: Path, data: Path | None, recipe: str, environment: str, retrain: bool, as_json: bool) -> None:
    """Run the road on this machine, each stage a process: prepare, train, compress, evaluate, judge, register. The same command goes on where it was left.

    Exit 3 when the gate denies, 4 when it or the drift report cannot decide.
    """
    from infra.cli.edge_road import run_road

    result = run_road(place, data=data, recipe=recipe, environment=environment, retrain=retrain)
    emit(result, as_json, lambda: table([[name, str(value)] for name, value in result.items()]))


@edge.command("rollback")
@_place_option
@click.option("--to", "version", help="Version to serve; the one before the current where left out.")
@json_option
def roll_back(place: Path, version: str | None, as_json: bool) -> None:
    """Point this machine's server to an earlier release, after verifying it. Nothing is installed, trained or started anew."""
    from workloads import register
    from workloads.store import Store

    pointer = register.rollback(Store.open(place / "releases"), version)
    emit(pointer, as_json, lambda: f"{pointer['version']} is current again, instead of {pointer['previous']}")


def _own_store(environment: str) -> str:
    from infra.cli import road

    road.require_local(environment, "falaj edge build")
    return road.release_store(road.connect()).uri


def _wheels(folder: Path, wanted: str) -> Path:
    progress("fetching the packages")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--no-deps", "--require-hashes"]
    done = subprocess.run([*command, "-r", str(ROOT / wanted), "-d", str(folder)], capture_output=True, text=True, check=False, env={**os.environ})
    if done.returncode:
        raise Fault("the packages could not be fetched", why=done.stderr.strip()[-400:], next="leave --wheelhouse out; the machine then needs an index itself")
    return folder
