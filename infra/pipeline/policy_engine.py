"""Who evaluates the rules: the real OPA as a server where it is at hand, else the embedded `regorus`. Same answers from both.

Only what the two builds of `regorus` on the registry share is used of it, and only what OPA 1.x and regorus agree on of Rego.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from falaj.errors import Fault, UsageError
from falaj.home import ROOT

_KEPT = 4
"""Libraries that one thread keeps loaded."""


class EvaluationFailed(Exception):
    """The engine gave no answer: an error in a rule, a refused input, a panic. The gate never takes it for a yes."""


class PolicyEngine(Protocol):
    """Evaluates one rule of a set of Rego modules on one input."""

    name: str

    def evaluate(self, modules: Mapping[str, str], digest: str, rule: str, input: Any) -> Any:
        """The value of `rule` (`data.<path>`), sets as lists; None where it is undefined.

        `digest` names `modules`, so that they are loaded once. Raises EvaluationFailed when there is no answer.
        """
        ...


class RegorusEngine:
    """The embedded engine: one instance per thread and library, since it is bound to the thread that made it."""

    name = "regorus"

    def __init__(self) -> None:
        self._local = threading.local()

    def evaluate(self, modules: Mapping[str, str], digest: str, rule: str, input: Any) -> Any:
        try:
            engine = self._loaded(modules, digest)
            engine.set_input_json(json.dumps(input))
            answer = json.loads(engine.eval_rule_as_json(rule))
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as problem:  # a panic of the engine is no Exception
            self._local.__dict__.clear()
            raise EvaluationFailed(_first_words(problem)) from None
        return None if answer == "<undefined>" else answer

    def _loaded(self, modules: Mapping[str, str], digest: str) -> Any:
        import regorus

        loaded = self._local.__dict__.setdefault("engines", {})
        if digest not in loaded:
            while len(loaded) >= _KEPT:
                loaded.pop(next(iter(loaded)))
            engine = regorus.Engine()  # ty: ignore[missing-attribute]
            for path, text in modules.items():
                engine.add_policy(path, text)
            loaded[digest] = engine
        return loaded[digest]


def choose(name: str | None = None) -> PolicyEngine:
    """The engine called `name` (`opa`, `regorus`); by FALAJ_POLICY_ENGINE, or the best at hand, where none is named.

    OPA is at hand when FALAJ_OPA_URL names a server or the binary is on PATH; the one that the tests build is used when asked for.
    """
    name = name or os.environ.get("FALAJ_POLICY_ENGINE") or None
    if name not in (None, "opa", "regorus"):
        raise UsageError(f"there is no policy engine '{name}'", given=name, allowed="opa, regorus", next="choose one, or leave it out")
    url, binary = os.environ.get("FALAJ_OPA_URL"), opa_binary()
    if name == "regorus" or (name is None and not url and shutil.which("opa") is None):
        return _embedded
    if not url and binary is None:
        raise Fault(
            "OPA was asked for and is not here",
            allowed="FALAJ_OPA_URL, `opa` on PATH, or .cache/tools/opa",
            next="run `make opa` (needs Go), or use the embedded engine: FALAJ_POLICY_ENGINE=regorus",
        )
    from infra.pipeline.opa import server

    return server(url, binary)


def opa_binary() -> Path | None:
    """The `opa` binary on PATH or built under .cache/tools; None where there is none."""
    found = shutil.which("opa")
    built = ROOT / ".cache" / "tools" / "opa"
    return Path(found) if found else built if os.access(built, os.X_OK) else None


def _first_words(problem: BaseException) -> str:
    """The engine's message without its stack trace, on one line."""
    text = str(problem).split("Stack backtrace:")[0]
    return " ".join(text.split())[:400] or type(problem).__name__


_embedded = RegorusEngine()
