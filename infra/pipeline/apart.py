"""The embedded engine in a process of its own, which can be ended when it takes too long or takes the process down with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any

import orjson

from infra.pipeline.policy_engine import EvaluationFailed, JsonText, too_late

_THERE = Path(__file__).with_name("apart_process.py")


class Apart:
    """A process that waits for one question, so that it starts while the question is still being put together."""

    def __init__(self) -> None:
        # -I: neither this folder's modules nor the environment's can stand in for the standard library's.
        command = [sys.executable, "-I", str(_THERE)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._late = False

    def ask(self, modules: Mapping[str, str], rule: str, input: JsonText, seconds: float) -> Any:
        """The value of `rule` on `input`, which is let go once it was told, so that there is one copy of it and not two.

        Raises EvaluationFailed where no answer came within `seconds`, for whatever reason.
        """
        timer = Timer(seconds, self._end)
        timer.start()
        try:
            # Why a process ended that does not listen is read from it below.
            with suppress(BrokenPipeError):
                self._tell(modules, rule, input.pieces)
            input.pieces = ()
            input.meanwhile()
            answer, words = self._process.communicate()
        finally:
            timer.cancel()
            self._process.kill()
            self._process.wait()
        if self._late:
            raise EvaluationFailed(too_late(seconds))
        if self._process.returncode != 0:
            said = " ".join(words.decode(errors="replace").split())[:400]
            raise EvaluationFailed(said or f"the engine's process ended with {self._process.returncode}")
        try:
            return orjson.loads(answer)
        except ValueError:
            raise EvaluationFailed("the engine's process gave no answer") from None

    def _tell(self, modules: Mapping[str, str], rule: str, input: Sequence[bytes]) -> None:
        """Each text with its length before it: how many modules, path and text of each, the rule, the input."""
        there = self._process.stdin
        assert there is not None
        there.write(b"%d\n" % len(modules))
        for text in (*(text for module in modules.items() for text in module), rule):
            encoded = text.encode()
            there.write(b"%d\n" % len(encoded))
            there.write(encoded)
        there.write(b"%d\n" % sum(len(piece) for piece in input))
        for piece in input:
            there.write(piece)
        there.flush()

    def _end(self) -> None:
        self._late = True
        self._process.kill()
