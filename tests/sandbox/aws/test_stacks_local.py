"""The stacks' own programs, applied to the local AWS by the embedded engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from falaj.home import ROOT, state_folder
from infra.engine.embedded import EmbeddedEngine
from infra.engine.engine import Outcome, Program
from infra.engine.program import open_program
from infra.sandbox.aws.service import ACCOUNT, aws_daemon
from infra.sandbox.daemon import Daemon
from tests.sandbox.aws.live import client, counted, in_state, leftovers

pytestmark = pytest.mark.slow
OPTIONS = {"account": ACCOUNT, "tracking": "server", "secrets": "external"}
HERE: dict[str, dict[str, str]] = {
    "foundation": {
        **OPTIONS,
        "removable": "true",
        "lock": json.dumps({"mode": "GOVERNANCE", "days": 1}),
        "people": json.dumps({kind: [f"arn:aws:iam::{ACCOUNT}:role/falaj-{kind}"] for kind in ("operators", "auditors")}),
    },
    "cluster": {**OPTIONS, "protect_from_deletion": "false"},
}
"""Stack -> config that is not prod's: whose account it is, what may be destroyed, and what prod leaves to be asked for."""


@pytest.fixture
def daemon(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """The local AWS of an empty home."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    found = aws_daemon()
    found.ensure()
    yield found
    found.stop()


def local(stack: str) -> Program:
    return open_program(ROOT / "stacks" / stack, "local")


def like_prod(stack: str) -> Program:
    """The stack as prod has it, runs tracked by a server and secrets in the cloud's store, for the local AWS, and so that it may be emptied again."""
    as_it_is = open_program(ROOT / "stacks" / stack, "prod")
    return replace(as_it_is, stack="local", config={**as_it_is.config, **{f"falaj:{key}": value for key, value in HERE[stack].items()}})


def run(verb: str, program: Program) -> dict[str, int]:
    """Operations carried out, by kind."""
    outcome: Outcome = getattr(EmbeddedEngine("local"), verb)(program)
    assert outcome.error is None, [(step.urn, step.error) for step in outcome.steps if step.error]
    return dict(Counter(step.op for step in outcome.steps))


def planned(program: Program) -> set[str]:
    return {resource.op for resource in EmbeddedEngine("local").preview(program).resources}


def kill(daemon: Daemon) -> None:
    os.kill(json.loads((daemon.folder / "process.json").read_text())["pid"], signal.SIGKILL)


def bucket(purpose: str) -> str:
    return next(one["Name"] for one in client("s3").list_buckets()["Buckets"] if f"-{purpose}-" in one["Name"])


def test_foundation_and_cluster_of_prods_shape_live_their_whole_life(daemon: Daemon) -> None:
    foundation, cluster = like_prod("foundation"), like_prod("cluster")
    assert set(run("up", foundation)) == {"create"}
    assert set(run("up", cluster)) == {"create"}
    assert (run("refresh", foundation), run("refresh", cluster)) == ({}, {})

    # A change by hand shows, and is put right.
    client("s3").delete_bucket_policy(Bucket=bucket("data"))
    key = client("kms").describe_key(KeyId=client("kms").list_aliases()["Aliases"][0]["TargetKeyId"])["KeyMetadata"]["KeyId"]
    client("kms").tag_resource(KeyId=key, Tags=[{"TagKey": "owner", "TagValue": "mallory"}])
    (database,) = client("rds").describe_db_instances()["DBInstances"]
    client("rds").modify_db_instance(DBInstanceIdentifier=database["DBInstanceIdentifier"], PubliclyAccessible=True)
    assert run("refresh", foundation) == {"delete": 1, "update": 2}
    assert run("up", foundation) == {"create": 1, "update": 2}
    assert client("rds").describe_db_instances()["DBInstances"][0]["PubliclyAccessible"] is False

    # The emulator forgets everything; the state learns it, the stacks are made again, and what the buckets held is in them.
    for purpose in ("artifacts", "evidence"):
        client("s3").put_object(Bucket=bucket(purpose), Key="falaj/kept", Body=b"precious")
    kill(daemon)
    assert daemon.ensure() is True
    lost = run("refresh", foundation)["delete"], run("refresh", cluster)["delete"]
    assert (run("up", foundation), run("up", cluster)) == ({"create": lost[0]}, {"create": lost[1]})
    held = [client("s3").get_object(Bucket=bucket(purpose), Key="falaj/kept")["Body"].read() for purpose in ("artifacts", "evidence")]
    assert held == [b"precious", b"precious"]
    assert planned(cluster) == {"same", "read"}

    assert set(run("destroy", cluster)) == {"delete"}
    assert set(run("destroy", foundation)) == {"delete"}
    assert leftovers() == {}


def test_killed_at_any_moment_the_same_command_makes_nothing_twice(daemon: Daemon) -> None:
    code = (
        "from falaj.home import ROOT; from infra.engine.embedded import EmbeddedEngine; from infra.engine.program import open_program\n"
        "EmbeddedEngine('local').up(open_program(ROOT / 'stacks' / 'foundation', 'local'))"
    )
    checkpoint = state_folder("local") / "foundation" / "checkpoint.json"
    for wanted in (20, 60):
        child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while child.poll() is None and time.monotonic() < deadline and _resources(checkpoint) < wanted:
            time.sleep(0.01)
        child.kill()
        child.wait()
    run("up", local("foundation"))

    assert run("up", local("foundation")) == {}
    assert run("refresh", local("foundation")) == {}
    assert counted(leftovers()) == in_state(EmbeddedEngine("local"), local("foundation"))


def _resources(checkpoint: Path) -> int:
    try:
        return len(json.loads(checkpoint.read_text())["checkpoint"]["latest"]["resources"])
    except (OSError, ValueError, KeyError):
        return 0
