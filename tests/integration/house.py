"""Somebody who lives with Falaj: a home, and the commands that are typed there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from falaj.home import ROOT


class House:
    """One home of its own, driven by the command line of a checkout as people drive it."""

    def __init__(self, home: Path, port: int, checkout: Path = ROOT) -> None:
        self.home, self._checkout = home, checkout
        # What other tests of this process were told of their own cloud is none of this home's business.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FALAJ_"))}
        self.environ = {**kept, "FALAJ_HOME": str(home), "FALAJ_PORT_BASE": str(port), "PYTHONPATH": str(checkout)}

    def falaj(self, *arguments: str, code: int = 0) -> Any:
        command = [sys.executable, "-m", "infra.cli.main", *arguments]
        answer = subprocess.run(command, cwd=self._checkout, env=self.environ, capture_output=True, text=True, timeout=1500)
        assert answer.returncode == code, f"falaj {' '.join(arguments)}: exit {answer.returncode}\n{answer.stdout[-3000:]}\n{answer.stderr[-6000:]}"
        return json.loads(answer.stdout) if "--json" in arguments and answer.stdout else answer
