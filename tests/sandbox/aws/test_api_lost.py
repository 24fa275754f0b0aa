"""The AWS API goes away in the middle of an apply: what was made stays in the state, and the next run makes the rest, and nothing twice."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from infra.engine.embedded import EmbeddedEngine
from infra.sandbox.aws.provider import AwsProvider
from infra.sandbox.aws.service import aws_daemon
from tests.sandbox.aws.live import counted, in_state, leftovers
from tests.sandbox.aws.test_stacks_local import local, run

pytestmark = pytest.mark.slow
LAST = 25
"""The resource behind which the API is gone: in the middle of the foundation."""


class Line:
    """A port that leads to another one until it is cut."""

    def __init__(self, to: int) -> None:
        self._to, self._open, self._one_by_one = to, list[socket.socket](), threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._take, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Nobody listens, and what was open is closed."""
        with self._one_by_one:
            for each in (self._listener, *self._open):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            self._open.clear()

    def mend(self) -> None:
        """The same port, as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._take, args=(self._listener,), daemon=True).start()

    def _take(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                with self._one_by_one:
                    self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def line(falaj_home: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """The way to the local AWS of an empty home."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    daemon = aws_daemon()
    daemon.ensure()
    made = Line(daemon.port)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{made.port}")
    yield made
    made.cut()
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    daemon.stop()


@pytest.fixture
def made(line: Line, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Marks of the resources that the API made, as they come; with the last one the line is cut, before anybody has seen what it became."""
    taken: list[str] = []
    ask, one_by_one = AwsProvider._made, threading.Lock()

    def asked(self: AwsProvider, row: Any, api: Any, inputs: Any, mark: Any) -> str:
        identity = ask(self, row, api, inputs, mark)
        with one_by_one:
            taken.append(mark)
            if len(taken) == LAST:
                line.cut()
        return identity

    monkeypatch.setattr(AwsProvider, "_made", asked)
    return taken


def test_an_apply_whose_api_goes_away_says_so_and_the_next_one_makes_the_rest(line: Line, made: list[str]) -> None:
    engine, program = EmbeddedEngine("local"), local("foundation")
    outcome = engine.up(program)
    first, given, after, also = (outcome.error or "").splitlines()
    assert first == "the local AWS API does not answer"
    assert given.startswith(f"  given    http://127.0.0.1:{line.port}: ") and given.endswith(" could not be created")
    assert after.startswith("  next     start it with `make up`") and also.endswith(" more for the same reason")
    # What had been asked for is under way still, for all that anybody knows.
    deployment = engine.export(program)["deployment"]
    kept = [each for each in deployment["resources"] if each["type"].startswith("aws:")]
    assert len(kept) < len(made) and len(kept) + len(deployment["pending_operations"]) >= len(made)
    line.mend()
    again = engine.up(program)
    # What was asked for and is there only in part, as a group that EC2 itself makes, is taken as it is and put right.
    under_way = {each["resource"]["urn"] for each in deployment["pending_operations"]}
    assert again.error is None and {step.op for step in again.steps if step.urn not in under_way} == {"create"}
    assert {step.op for step in again.steps if step.urn in under_way} <= {"create", "update"}
    assert run("up", program) == {} and run("refresh", program) == {}
    assert counted(leftovers()) == in_state(engine, program)
