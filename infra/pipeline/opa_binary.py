"""The `opa` binary, run once per question: no server, no port, nothing that stays. Errors of built-ins are strict."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.pipeline.policy_engine import SECONDS, EvaluationFailed, as_json, too_late


class OpaBinary:
    """Asks `opa eval`, which gets the rules as a folder and the input on stdin."""

    name = "opa-binary"

    def __init__(self, binary: Path, seconds: float = SECONDS) -> None:
        self._binary = binary
        self._seconds = seconds

    def evaluate(self, modules: Mapping[str, str], digest: str, rule: str, input: Any) -> Any:
        with tempfile.TemporaryDirectory(prefix="falaj-opa-") as name:
            folder = Path(name)
            for path, text in modules.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text, encoding="utf-8")
            command = [str(self._binary), "eval", "--format=json", "--stdin-input", "--strict-builtin-errors", "--data", str(folder), rule]
            try:
                done = subprocess.run(command, input=b"".join(as_json(input).pieces), capture_output=True, timeout=self._seconds, check=False)
            except subprocess.TimeoutExpired:
                raise EvaluationFailed(too_late(self._seconds)) from None
            except OSError as problem:
                raise EvaluationFailed(f"OPA did not start: {problem}") from None
        return _value(done)


def _value(done: subprocess.CompletedProcess[bytes]) -> Any:
    """The one value that was asked for; None where it is undefined. Raises EvaluationFailed for anything else."""
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = None
    words = " ".join(done.stderr.decode(errors="replace").split())
    if not isinstance(said, dict) or done.returncode != 0 or said.get("errors"):
        errors = said.get("errors", []) if isinstance(said, dict) else []
        told = "; ".join(str(error.get("message", "")) for error in errors) or words or f"it ended with {done.returncode}"
        raise EvaluationFailed(f"OPA: {told[:400]}")
    found = said.get("result")
    if not found:
        return None
    try:
        return found[0]["expressions"][0]["value"]
    except (KeyError, IndexError, TypeError):
        raise EvaluationFailed("OPA gave an answer that is none") from None
