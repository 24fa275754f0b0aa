"""Who evaluates the rules: the real OPA as a server where it is at hand, else the embedded `regorus`. Same answers from both.

Of `regorus` only calls are used that both of its builds on the registry have, and of Rego only what OPA 1.x and the build we depend on agree about.
The other build (celine-regorus 0.9.1) stops at a comprehension in the head of another, which the library is full of: every question is then a fault.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import orjson

from falaj.errors import Fault, UsageError
from falaj.home import ROOT

SECONDS = 60.0
"""How long an engine may take for one question, where parameter `limits.seconds` says nothing."""
APART = 500_000
"""Bytes of input from which the embedded engine works in a process of its own, since inside this one nothing can stop it.

Three times what the largest of our stacks takes. What joins every resource with every other takes seconds at that size, and an hour at ten million.
"""
_KEPT = 4
"""Libraries that one thread keeps loaded."""
_loaded_here = threading.local()


class EvaluationFailed(Exception):
    """The engine gave no answer: an error in a rule, a refused input, a panic. The gate never takes it for a yes."""


class JsonText:
    """An input as JSON text (UTF-8), in pieces: a large one is neither written a second time nor put together. It is made when it is asked for."""

    def __init__(self, make: Callable[[], tuple[bytes, ...]], *, least: int = 0, meanwhile: Callable[[], object] = lambda: None) -> None:
        """`least` is how many bytes it will have at least. `meanwhile`, what the asker has to do anyway, is for an engine that works elsewhere to call."""
        self._make, self.least, self.meanwhile = make, least, meanwhile
        self._made: tuple[bytes, ...] | None = None

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """All of it, in order."""
        if self._made is None:
            self._made = self._make()
        return self._made

    @property
    def text(self) -> str:
        """All of it."""
        return b"".join(self.pieces).decode()

    def is_larger_than(self, size: int) -> bool:
        """Whether it has more bytes than `size`; made to be measured only where `least` does not tell."""
        return self.least > size or sum(len(piece) for piece in self.pieces) > size

    def let_go(self) -> None:
        """Keep no copy of it."""
        self._made = None


class PolicyEngine(Protocol):
    """Evaluates one rule of a set of Rego modules on one input."""

    name: str

    def evaluate(self, modules: Mapping[str, str], digest: str, rule: str, input: Any) -> Any:
        """The value of `rule` (`data.<path>`), sets as lists; None where it is undefined.

        `input` is a JSON value, or JsonText. `digest` names `modules`, so that they are loaded once. Raises EvaluationFailed when there is no answer.
        """
        ...


class RegorusEngine:
    """The embedded engine: one instance per thread and library, since it is bound to the thread that made it.

    A large input is judged in a process of its own, which is ended when it takes longer than `seconds`. A small one is judged here, and
    an answer that came too late counts as none.
    """

    name = "regorus"

    def __init__(self, seconds: float = SECONDS, *, apart: int = APART) -> None:
        self._seconds = seconds
        self._apart = apart

    def evaluate(self, modules: Mapping[str, str], digest: str, rule: str, input: Any) -> Any:
        began = time.monotonic()
        try:
            answer = self._answer(modules, digest, rule, as_json(input))
        except (KeyboardInterrupt, SystemExit, MemoryError, EvaluationFailed):
            raise
        except BaseException as problem:  # a panic of the engine is no Exception
            _loaded_here.__dict__.clear()
            raise EvaluationFailed(_first_words(problem)) from None
        if time.monotonic() - began > self._seconds:
            raise EvaluationFailed(too_late(self._seconds))
        return None if answer == "<undefined>" else answer

    def _answer(self, modules: Mapping[str, str], digest: str, rule: str, input: JsonText) -> Any:
        """The answer of the compact form; where that has none, of the modules as they are, whose errors name files and lines."""
        if input.is_larger_than(self._apart):
            from infra.pipeline.apart import Apart

            return Apart(self._seconds).ask(input, lambda: _shortest(modules, rule) or (modules, rule))
        short = _shortest(modules, rule)
        if short is not None:
            try:
                return self._asked_here(short[0], f"{digest} {rule}", short[1], input)
            except (KeyboardInterrupt, SystemExit, MemoryError):
                raise
            except BaseException:  # a panic of the engine is no Exception
                _loaded_here.__dict__.clear()
                self._asked_here(modules, digest, rule, input)
                raise EvaluationFailed("the rules answer as they are written, and not in their compact form") from None
        return self._asked_here(modules, digest, rule, input)

    def _asked_here(self, modules: Mapping[str, str], digest: str, rule: str, input: JsonText) -> Any:
        engine = self._loaded(modules, digest)
        engine.set_input_json(input.text)
        return orjson.loads(engine.eval_rule_as_json(rule))

    def _loaded(self, modules: Mapping[str, str], digest: str) -> Any:
        # Errors are part of its normal work, and are told without the stack here: to take one for each is dear.
        os.environ.setdefault("RUST_LIB_BACKTRACE", "0")
        import regorus

        loaded = _loaded_here.__dict__.setdefault("engines", {})
        key = (digest, hash(tuple(modules.items())))
        if key not in loaded:
            while len(loaded) >= _KEPT:
                loaded.pop(next(iter(loaded)))
            engine = regorus.Engine()  # ty: ignore[missing-attribute]
            for path, text in modules.items():
                engine.add_policy(path, text)
            loaded[key] = engine
        return loaded[key]


def _shortest(modules: Mapping[str, str], rule: str) -> tuple[Mapping[str, str], str] | None:
    """The one module that the embedded engine reads fastest, and what `rule` is called in it; None where there is none."""
    short = _compact(tuple(modules.items()), rule) if rule.startswith(("data.falaj.gate.", "data.falaj.gate_brief.")) else None
    return ({"library.rego": short[0]}, short[1]) if short else None


@lru_cache(maxsize=_KEPT * 4)
def _compact(modules: tuple[tuple[str, str], ...], rule: str) -> tuple[str, str] | None:
    """The modules in the form that the embedded engine reads fastest; None where they have none."""
    from infra.pipeline.flat import compact

    try:
        return compact(dict(modules), rule)
    except ValueError:
        return None


NAMES = ("opa", "opa-binary", "regorus")


def choose(name: str | None = None, seconds: float = SECONDS) -> PolicyEngine:
    """The engine called `name`; by FALAJ_POLICY_ENGINE, or the best at hand, where none is named. It may take `seconds` for an answer.

    `opa` is a server, `opa-binary` one run of `opa eval` per question, `regorus` the embedded engine. OPA is at hand when
    FALAJ_OPA_URL names a server or the binary is on PATH; the one that the tests build is used when asked for.
    """
    name = name or os.environ.get("FALAJ_POLICY_ENGINE") or None
    if name not in (None, *NAMES):
        raise UsageError(f"there is no policy engine '{name}'", given=name, allowed=", ".join(NAMES), next="choose one, or leave it out")
    url, binary = os.environ.get("FALAJ_OPA_URL"), opa_binary()
    if name == "regorus" or (name is None and not url and shutil.which("opa") is None):
        return RegorusEngine(seconds)
    if binary is None and (not url or name == "opa-binary"):
        raise Fault(
            "OPA was asked for and is not here",
            allowed="`opa` on PATH, or .cache/tools/opa" if name == "opa-binary" else "FALAJ_OPA_URL, `opa` on PATH, or .cache/tools/opa",
            next="run `make opa` (needs Go), or use the embedded engine: FALAJ_POLICY_ENGINE=regorus",
        )
    if name == "opa-binary" and binary is not None:
        from infra.pipeline.opa_binary import OpaBinary

        return OpaBinary(binary, seconds)
    from infra.pipeline.opa import server

    return server(url, binary, seconds)


def as_json(input: Any) -> JsonText:
    """An input as JSON text."""
    return input if isinstance(input, JsonText) else JsonText(lambda: (json.dumps(input).encode(),))


def too_late(seconds: float) -> str:
    """What is said of an answer that did not come in time."""
    return f"no answer within {seconds:g} s (parameter limits.seconds)"


def opa_binary() -> Path | None:
    """The `opa` binary on PATH or built under .cache/tools; None where there is none."""
    found = shutil.which("opa")
    built = ROOT / ".cache" / "tools" / "opa"
    return Path(found) if found else built if os.access(built, os.X_OK) else None


def _first_words(problem: BaseException) -> str:
    """The engine's message without its stack trace, on one line."""
    text = str(problem).split("Stack backtrace:")[0]
    return " ".join(text.split())[:400] or type(problem).__name__
