"""How the rest of Falaj starts and reaches the local AWS API."""

from __future__ import annotations

import os

from falaj.ports import port
from infra.sandbox.aws.server import ACCOUNT, REGION
from infra.sandbox.daemon import Daemon

__all__ = ["ACCOUNT", "REGION", "aws_daemon", "endpoint", "environ"]


def aws_daemon() -> Daemon:
    """The server process of this home; its data lies in `Daemon.folder`."""
    number = port("aws")
    found = Daemon(name="aws", module="infra.sandbox.aws.server", arguments=(), port=number, health="/healthz")
    return Daemon(name="aws", module=found.module, arguments=("--port", str(number), "--folder", str(found.folder)), port=number, health=found.health)


def endpoint() -> str:
    """The URL of the local AWS API: AWS_ENDPOINT_URL where it is set, else this home's port."""
    return os.environ.get("AWS_ENDPOINT_URL") or f"http://127.0.0.1:{port('aws')}"


def environ() -> dict[str, str]:
    """Environment variables that make an AWS SDK in another process use the local API and nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint(),
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
