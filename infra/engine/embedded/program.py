"""Starts a program against the engine's services, and waits until it and everything it asked for has ended."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import resource_pb2

from falaj.home import ROOT
from infra.engine.embedded.deploy import Deployment
from infra.engine.embedded.monitor import EngineService, Monitor, Server, features
from infra.engine.embedded.run import PARALLEL, Run
from infra.engine.engine import Program

_log = logging.getLogger("falaj.program")
_TAIL = 40
ORGANIZATION = "organization"


def run_program(program: Program, run: Run) -> Deployment:
    """Run `program` to its end, carrying out what it registers. What went wrong is in `run`: `errors`, or `fatal`, which is not raised here."""
    config = dict(program.config)
    deployment = Deployment(run, program.stack, program.project, config, program.secrets)
    info = resource_pb2.DeploymentInfo(
        project=program.project,
        stack=program.stack,
        organization=ORGANIZATION,
        config=config,
        configSecretKeys=sorted(program.secrets),
        dryRun=run.preview,
        parallel=PARALLEL,
        supportedFeatures=features(),
    )
    monitor, engine = Monitor(run, deployment, info), EngineService(run)
    with Server(monitor, engine) as server:
        request: dict[str, Any] = {
            "folder": str(program.folder),
            "project": program.project,
            "stack": program.stack,
            "organization": ORGANIZATION,
            "monitor": server.address,
            "engine": server.address,
            "preview": run.preview,
            "parallel": PARALLEL,
            "config": config,
            "secrets": sorted(program.secrets),
        }
        code, tail = _wait(program, request)
        monitor.wait_idle()
    for severity, message in engine.log:
        _log.log(logging.ERROR if severity == "error" else logging.INFO, "%s", message)
    if code and not run.errors and run.fatal is None:
        run.fail("\n".join([f"the program ended with {_ending(code)}", *tail]))
    deployment.finish()
    if run.errors and monitor.unanswered and run.preview:
        run.fail(f"note: these invokes have no answer while planning, their results are unknown: {', '.join(sorted(monitor.unanswered))}")
    return deployment


def _wait(program: Program, request: dict[str, Any]) -> tuple[int, list[str]]:
    """(exit code, last lines printed) of the program's process."""
    tail: deque[str] = deque(maxlen=_TAIL)
    environment = {**os.environ, **program.environ, "PYTHONUNBUFFERED": "1"}
    if environment.pop("PYTHONDONTWRITEBYTECODE", None):
        # Compiling the providers' SDKs takes seconds; asked to leave no bytecode beside the sources, keep it elsewhere.
        environment.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".cache" / "pycache"))
    host = Path(__file__).with_name("host.py")
    process = subprocess.Popen(
        [sys.executable, "-P", str(host)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, cwd=program.folder
    )
    assert process.stdin is not None and process.stdout is not None

    def drain() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            text = line.decode(errors="replace").rstrip()
            tail.append(text)
            _log.info("%s", text)

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    try:
        with process.stdin as stream:
            stream.write(json.dumps(request).encode())
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    reader.join(timeout=5)
    return code, list(tail)


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
