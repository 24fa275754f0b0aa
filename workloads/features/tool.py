"""Feast: an environment of its own, since its pins fit nobody else's. What is asked and answered passes in files."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from falaj.errors import Fault
from falaj.home import ROOT

PROGRAM = Path(__file__).with_name("inside_feast") / "program.py"
_SECONDS = 3600
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
"""What it sees of our environment, beside what AWS's libraries read."""


def python() -> Path | None:
    """The Python that has Feast, where there is one: FALAJ_FEAST, or `make features`'s."""
    path = Path(os.environ.get("FALAJ_FEAST") or ROOT / ".cache" / "feast" / "bin" / "python")
    return path if os.access(path, os.X_OK) else None


def require() -> Path:
    """The Python that has Feast. Raises Fault where there is none."""
    if (found := python()) is None:
        raise Fault(
            "the feature store was asked for, and Feast is not here",
            given=os.environ.get("FALAJ_FEAST") or "no FALAJ_FEAST, no .cache/feast",
            allowed="FALAJ_FEAST naming the Python of an environment made from requirements/feast.txt",
            why="Feast needs other versions of what Falaj needs, so it has an environment of its own",
            next="run `make features`",
        )
    return found


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """What `inside_feast/program.py` answers. Raises Fault when Feast is not here, fails or takes too long."""
    program = require()
    environ = {key: value for key, value in os.environ.items() if key in _KEPT or key.startswith("AWS_")}
    with tempfile.TemporaryDirectory(prefix="falaj-feast-") as scratch:
        asked, answer = Path(scratch) / "request.json", Path(scratch) / "answer.json"
        asked.write_text(json.dumps(request), encoding="utf-8")
        # -I: neither our folder nor PYTHONPATH may stand in front of its own packages.
        command = [str(program), "-I", str(PROGRAM), str(asked), str(answer)]
        try:
            done = subprocess.run(command, cwd=scratch, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise Fault("Feast took too long", given=f"more than {_SECONDS} s", next="run the same command again") from None
        if done.returncode != 0 or not answer.is_file():
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise Fault(
                "Feast failed",
                given=f"{', '.join(request['steps'])} of {request['repository']}: exit {done.returncode}",
                why=said[-1][-400:] if said else "nothing on stderr",
                next="make the stores it uses reachable and run the same command again; nothing half written counts as published",
            )
        return json.loads(answer.read_text(encoding="utf-8"))
