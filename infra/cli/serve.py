"""`falaj serve`: serve a release on this machine, from the local store or from any folder of releases."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from infra.cli.options import environment_option
from infra.cli.output import progress


@click.command()
@environment_option
@click.option("--releases", help="A folder of releases, or s3://bucket/prefix.")
@click.option("--requests", type=click.Path(path_type=Path, file_okay=False), help="Folder for the request log; none is kept where left out.")
@click.option("--port", default=8080, show_default=True, help="Loopback port; 0 takes a free one.")
def serve(environment: str, releases: str | None, requests: Path | None, port: int) -> None:
    """Serve the current release over HTTP until Ctrl-C. Releases must be signed with this machine's key, or with FALAJ_TRUSTED_KEY."""
    from falaj.ports import require_free
    from workloads.release import trusted_key
    from workloads.serve.__main__ import serve as serve_until_stopped
    from workloads.serve.settings import from_environment

    if port:
        require_free(port, what="falaj serve")
    place = releases or _local_store(environment)
    trusted_key()
    given = {**os.environ, "FALAJ_RELEASES": place, "PORT": str(port or _free_port())}
    settings = replace(from_environment(given), requests=requests, drain_seconds=0.2)
    click.echo(f"http://{settings.host}:{settings.port}")
    progress(f"serving {place}; POST /generate, GET /v1/release, /readyz, /metrics; Ctrl-C ends it")
    serve_until_stopped(settings)


def _local_store(environment: str) -> str:
    from infra.cli import road

    road.require_local(environment, "falaj serve")
    return road.release_store(road.connect()).uri


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
