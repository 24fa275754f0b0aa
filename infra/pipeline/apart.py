"""The embedded engine in a process of its own, which can be ended when it takes too long or takes the process down with it.

The same file is what that process runs: it needs nothing but the engine, so that it starts in a blink.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any


def evaluate(modules: Mapping[str, str], rule: str, input: str, seconds: float) -> Any:
    """The value of `rule` on `input` (JSON text). Raises EvaluationFailed where no answer came within `seconds`, for whatever reason."""
    from infra.pipeline.policy_engine import EvaluationFailed, too_late

    question = json.dumps({"modules": dict(modules), "rule": rule}) + "\n" + input
    try:
        # -I: neither this folder's modules nor the environment's can stand in for the standard library's.
        done = subprocess.run([sys.executable, "-I", __file__], input=question.encode(), capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise EvaluationFailed(too_late(seconds)) from None
    if done.returncode != 0:
        words = " ".join(done.stderr.decode(errors="replace").split())[:400]
        raise EvaluationFailed(words or f"the engine's process ended with {done.returncode}")
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise EvaluationFailed("the engine's process gave no answer") from None


def _answer() -> None:
    os.environ.setdefault("RUST_LIB_BACKTRACE", "0")
    import regorus

    question, _, input = sys.stdin.buffer.read().decode().partition("\n")
    asked = json.loads(question)
    engine = regorus.Engine()  # ty: ignore[missing-attribute]
    for path, text in asked["modules"].items():
        engine.add_policy(path, text)
    engine.set_input_json(input)
    sys.stdout.write(engine.eval_rule_as_json(asked["rule"]))


if __name__ == "__main__":
    try:
        _answer()
    except BaseException as problem:  # a panic of the engine is no Exception
        sys.exit(str(problem).split("Stack backtrace:")[0].strip() or type(problem).__name__)
