"""`falaj traffic`: canary, shadow and kill switch of the served releases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from falaj.errors import UsageError
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit

if TYPE_CHECKING:
    from workloads.serve.canary import Part, Traffic

_releases_option = click.option("--releases", metavar="PLACE", help="A folder of releases, or s3://bucket/prefix; the environment's own where left out.")
_percent_option = click.option("--percent", default=5.0, show_default=True, type=click.FloatRange(0, 100, min_open=True), help="Its share of the traffic.")


@click.group()
def traffic() -> None:
    """Give a second release a share of the traffic, let it answer in the shadow, or stop all answers. Signed with the release key.

    Running servers follow within seconds; a stop counts at once, without waiting for a model.
    """


@traffic.command()
@environment_option
@_releases_option
@json_option
def show(environment: str, releases: str | None, as_json: bool) -> None:
    """Show who is answered by which release."""
    from workloads.release import POINTER, trusted_key
    from workloads.serve.canary import TRAFFIC, Traffic, verified

    store = _store(environment, releases)
    document = store.read_document(TRAFFIC)
    now = Traffic() if document.value is None else verified(document.value, trusted_key())
    _tell(now, (store.read_json(POINTER) or {}).get("version"), as_json)


@traffic.command()
@click.argument("version")
@_percent_option
@click.option("--sticky", default="client", show_default=True, type=click.Choice(("client", "request")), help="Draw once for each client, or for each request.")
@environment_option
@_releases_option
@json_option
def canary(version: str, percent: float, sticky: Any, environment: str, releases: str | None, as_json: bool) -> None:
    """Let the release VERSION answer a share of the requests in place of the current one."""
    part = _verified(_store(environment, releases), version, percent)
    _change(environment, releases, as_json, f"canary {version} at {percent:g} %", lambda now: replace(now, canary=part, sticky=sticky))


@traffic.command()
@click.argument("version")
@_percent_option
@environment_option
@_releases_option
@json_option
def shadow(version: str, percent: float, environment: str, releases: str | None, as_json: bool) -> None:
    """Ask the release VERSION as well, compare its answers in the metrics, and throw them away."""
    part = _verified(_store(environment, releases), version, percent)
    _change(environment, releases, as_json, f"shadow {version} at {percent:g} %", lambda now: replace(now, shadow=part))


@traffic.command()
@click.argument("side", type=click.Choice(("canary", "shadow", "both")))
@environment_option
@_releases_option
@json_option
def end(side: str, environment: str, releases: str | None, as_json: bool) -> None:
    """Give all traffic back to the current release."""
    gone = {"canary": {"canary": None}, "shadow": {"shadow": None}, "both": {"canary": None, "shadow": None}}[side]
    _change(environment, releases, as_json, f"{side} ended", lambda now: replace(now, **gone))


@traffic.command()
@click.option("--reason", required=True, help="What callers are told; names no person.")
@environment_option
@_releases_option
@json_option
def stop(reason: str, environment: str, releases: str | None, as_json: bool) -> None:
    """Stop all answers: every request gets 503 with the reason, until `falaj traffic resume`."""
    _change(environment, releases, as_json, "stopped", lambda now: replace(now, stop=reason))


@traffic.command()
@environment_option
@_releases_option
@json_option
def resume(environment: str, releases: str | None, as_json: bool) -> None:
    """Answer again after a stop."""
    _change(environment, releases, as_json, "resumed", lambda now: replace(now, stop=None))


def _change(environment: str, releases: str | None, as_json: bool, what: str, edit: Callable[[Traffic], Traffic]) -> None:
    from workloads.release import POINTER, public_half, signing_key_file, trusted_key
    from workloads.serve.canary import change

    store, private = _store(environment, releases), signing_key_file()
    if public_half(private).strip() != trusted_key().strip():
        raise UsageError(
            "the servers would not trust this",
            given=str(private),
            allowed="the private half of the key that releases are trusted by",
            next="set FALAJ_SIGNING_KEY, or run it where releases are signed",
        )
    now = change(store, private, edit)
    if releases is None:
        from infra.cli import road

        road.note(environment, "traffic changed", what, {"serial": now.serial, **({"reason": now.stop} if now.stop else {})})
    _tell(now, (store.read_json(POINTER) or {}).get("version"), as_json)


def _verified(store: Any, version: str, percent: float) -> Part:
    import tempfile

    from workloads.register import versions
    from workloads.release import trusted_key, verify
    from workloads.serve.canary import Part

    if version not in (there := versions(store)):
        raise UsageError(f"there is no release {version}", given=store.uri, allowed=", ".join(there) or "none yet")
    with tempfile.TemporaryDirectory() as scratch:
        store.get_folder(version, Path(scratch) / version)
        release = verify(Path(scratch) / version, trusted_key())
    return Part(version, release.digest, percent / 100)


def _store(environment: str, releases: str | None) -> Any:
    from infra.cli import road
    from workloads.store import Store

    if releases:
        return Store.open(releases)
    road.require_local(environment, "falaj traffic without --releases")
    return road.release_store(road.connect())


def _tell(now: Traffic, current: str | None, as_json: bool) -> None:
    sides = {side: {"version": part.version, "percent": round(part.share * 100, 6)} for side, part in (("canary", now.canary), ("shadow", now.shadow)) if part}
    result = {"current": current, **sides, "sticky": now.sticky, "stop": now.stop, "serial": now.serial}

    def words() -> str:
        lines = [f"current  {current or 'none yet'}", *(f"{side}   {of['version']} at {of['percent']:g} %" for side, of in sides.items())]
        return "\n".join([*lines, f"stopped  {now.stop}"] if now.stop else lines)

    emit(result, as_json, words)
