"""The checkov program: an environment of its own, since its dependencies are pinned so hard that they fit nobody else's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from falaj.errors import Fault
from falaj.home import ROOT

FRAMEWORKS = ("terraform_plan", "kubernetes", "dockerfile", "github_actions")
_SECONDS = 600
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
"""What it sees of our environment: no key of a vendor's service, so that it never sends a plan anywhere."""


def program() -> Path | None:
    """checkov where there is one: FALAJ_CHECKOV, `make checkov`'s, or on PATH."""
    named, own, found = os.environ.get("FALAJ_CHECKOV"), ROOT / ".cache" / "checkov" / "bin" / "checkov", shutil.which("checkov")
    candidates = [Path(named)] if named else [own, *([Path(found)] if found else [])]
    return next((path for path in candidates if os.access(path, os.X_OK)), None)


def run(folder: Path) -> list[dict[str, Any]]:
    """checkov's reports on `folder`, one per framework that found something to judge. Reaches no network.

    Raises Fault when there is no checkov, when it fails or takes too long, or when it could not read a file.
    """
    checkov = program()
    if checkov is None:
        raise Fault("checkov was asked for and is not here", allowed="FALAJ_CHECKOV, .cache/checkov, or `checkov` on PATH", next="run `make checkov`")
    command = [str(checkov), "--directory", str(folder), "--framework", *FRAMEWORKS, "--output", "json", "--skip-download", "--compact", "--soft-fail"]
    environ = {key: os.environ[key] for key in _KEPT if key in os.environ} | {"LOG_LEVEL": "ERROR", "ANSI_COLORS_DISABLED": "1"}
    try:
        done = subprocess.run(command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise Fault("checkov took too long", given=f"more than {_SECONDS} s", next="judge one stack at a time") from None
    except ValueError:
        said = done.stderr.decode(errors="replace").strip()[-400:]
        raise Fault("checkov gave no answer", given=f"exit {done.returncode}", why=said or "nothing on stderr", next="run the command by hand") from None
    reports = [report for report in (answer if isinstance(answer, list) else [answer]) if "results" in report]
    unread = [name for report in reports for name in report["results"].get("parsing_errors", [])]
    if unread:
        raise Fault("checkov could not read a file", given=", ".join(sorted(unread)[:5]), why="what it did not read it did not judge")
    return reports
