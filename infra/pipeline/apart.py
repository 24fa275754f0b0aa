"""The embedded engine in a process of its own, which can be ended when it takes too long or takes the process down with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any

import orjson

from infra.pipeline.policy_engine import EvaluationFailed, JsonText, too_late

_THERE = Path(__file__).with_name("apart_process.py")
_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Memory in pages of 2 MiB where the kernel has them for the asking: fetched page by page, it is up to a fifth of the engine's time."""


class Apart:
    """A process that waits for one question, for as long as `seconds` from now; it starts while the question is still being put together."""

    def __init__(self, seconds: float) -> None:
        # -I: neither this folder's modules nor the environment's can stand in for the standard library's.
        command = [sys.executable, "-I", str(_THERE)]
        self._process = subprocess.Popen(command, env={**_PAGES, **os.environ}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._seconds, self._late = seconds, False
        self._timer = Timer(seconds, self._end)
        self._timer.start()

    def ask(self, input: JsonText, about: Callable[[], tuple[Mapping[str, str], str]]) -> Any:
        """The value of a rule on `input`, which is let go once it was told, so that there is one copy of it and not two.

        `about` is called while the process reads the input; it gives the modules and the rule. Raises EvaluationFailed where no answer came in
        time, for whatever reason.
        """
        try:
            # Why a process ended that does not listen is read from it below.
            with suppress(BrokenPipeError):
                self._tell(input.pieces)
                input.let_go()
                modules, rule = about()
                for text in (*(text for module in modules.items() for text in module), rule):
                    self._tell([text.encode()])
                self._tell([])
            input.meanwhile()
            answer, words = self._process.communicate()
        finally:
            self._timer.cancel()
            self._process.kill()
            self._process.wait()
        if self._late:
            raise EvaluationFailed(too_late(self._seconds))
        if self._process.returncode != 0:
            said = " ".join(words.decode(errors="replace").split())[:400]
            raise EvaluationFailed(said or f"the engine's process ended with {self._process.returncode}")
        try:
            return orjson.loads(answer)
        except ValueError:
            raise EvaluationFailed("the engine's process gave no answer") from None

    def _tell(self, pieces: Sequence[bytes]) -> None:
        """One text, with its length before it."""
        there = self._process.stdin
        assert there is not None
        there.write(b"%d\n" % sum(len(piece) for piece in pieces))
        for piece in pieces:
            there.write(piece)
        there.flush()

    def _end(self) -> None:
        self._late = True
        self._process.kill()
