"""`kill -9` at any moment, then the same command: nothing made twice, nothing forgotten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from falaj.home import ROOT
from infra.engine.embedded import EmbeddedEngine
from tests.engine.cloud import Cloud, Death, objects
from tests.engine.recorded import STACK, program

STRIDES = {1: 5, 2: 7}
"""Every so many-th moment is tried in the default run; FALAJ_EVERY_MOMENT=1 tries all of them."""


@pytest.mark.parametrize("step", [1, 2])
def test_an_apply_killed_at_any_moment_converges_when_it_is_run_again(step: int, tmp_path: Path) -> None:
    stride = 1 if os.environ.get("FALAJ_EVERY_MOMENT") else STRIDES[step]
    command = [sys.executable, "-m", "tests.engine.kill_sweep", str(tmp_path), str(step), str(stride)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == {}
    # Threads may reach the last moments in another order than when they were counted.
    assert found["moments"] > 50 and found["kills"] >= found["moments"] // stride - 3


_UP = """
import os, sys
from pathlib import Path
from infra.engine.embedded import EmbeddedEngine
from tests.engine.cloud import Cloud, Death
from tests.engine.recorded import STACK, program
import time

class Slow(Cloud):
    async def create(self, request):
        time.sleep(0.2)
        answer = await super().create(request)
        time.sleep(0.2)
        return answer

outcome = EmbeddedEngine(STACK, lambda _: Slow(Path(sys.argv[1]), Death(0)), applies=(STACK,)).up(program("create_fails", 2))
sys.exit(outcome.error)
"""


def test_a_program_and_its_engine_killed_together_converge_when_they_are_run_again(falaj_home: Path, tmp_path: Path) -> None:
    cloud = tmp_path / "cloud"
    command = [sys.executable, "-c", _UP, str(cloud)]
    environment = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": "kill"}
    killed = subprocess.Popen(command, cwd=ROOT, env=environment)
    deadline = time.monotonic() + 60
    while not (cloud.exists() and objects(cloud)) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert len(objects(cloud)) < 4
    assert subprocess.run(command, cwd=ROOT, env=environment, timeout=120).returncode == 0
    names = sorted(held["urn"].rsplit("::", 1)[1] for held in objects(cloud).values())
    assert names == ["a", "b", "c", "d"]


def test_a_create_that_nobody_can_tell_about_is_named_and_not_repeated(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "kill")
    cloud = tmp_path / "cloud"
    engine = EmbeddedEngine(STACK, lambda _: Cloud(cloud, Death(0)), applies=(STACK,))
    the_program = program("basic", 1)
    engine.up(the_program)
    state = next(falaj_home.rglob("checkpoint.json"))
    document = json.loads(state.read_text())
    made = next(item for item in document["deployment"]["resources"] if item["urn"].endswith("::a"))
    document["deployment"]["pending_operations"] = [{"type": "creating", "resource": {**made, "id": "", "urn": made["urn"] + "2"}}]
    state.write_text(json.dumps(document))

    class Forgetful(Cloud):
        def __getattribute__(self, name: str) -> object:
            if name == "adopt":
                raise AttributeError(name)
            return super().__getattribute__(name)

    forgetful = EmbeddedEngine(STACK, lambda _: Forgetful(cloud, Death(0)), applies=(STACK,))
    with pytest.raises(Exception, match="cannot say whether they exist") as refusal:
        forgetful.up(the_program)
    assert "::a2" in str(refusal.value)
    assert json.loads(state.read_text()) == document
