"""A real local AWS API per test module, and a driver that speaks to the provider as an engine does."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pulumi.provider.experimental import provider as rpc

from infra.sandbox.aws.api import clients_of
from infra.sandbox.aws.provider import AwsProvider
from infra.sandbox.aws.values import wrap_map
from infra.sandbox.properties import plain_map

ACCOUNT = "123456789012"
REGION = "me-central-1"


@dataclass
class Server:
    """A server process of the test's own, on a free port, over a folder that outlives it."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "infra.sandbox.aws.server", "--port", str(self.port), "--folder", str(self.folder)]
        self.process = subprocess.Popen(command)
        for _ in range(400):
            try:
                urllib.request.urlopen(self.url + "/healthz", timeout=2).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        """kill -9, as a crash would."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client as somebody at a keyboard would use it."""
        return clients_of(self.url).get(service, region)


def urn_of(type: str, name: str) -> str:
    """The URN of a resource below a component, as the stacks have them."""
    return f"urn:pulumi:local::test::falaj:test:Parent${type}::{name}"


@dataclass
class Thing:
    """A resource as an engine keeps it."""

    type: str
    name: str
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]

    @property
    def urn(self) -> str:
        return urn_of(self.type, self.name)


@dataclass
class Driver:
    """Speaks to the provider in plain values."""

    provider: AwsProvider
    made: list[Thing] = field(default_factory=list)

    def configure(self, **settings: Any) -> None:
        asyncio.run(self.provider.configure(rpc.ConfigureRequest({}, wrap_map(settings), True, False)))

    def check(self, type: str, name: str, inputs: dict[str, Any], old: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = asyncio.run(self.provider.check(rpc.CheckRequest(urn_of(type, name), wrap_map(old or {}), wrap_map(inputs), b"seed")))
        assert not answer.failures, [f"{failure.property}: {failure.reason}" for failure in answer.failures]
        return plain_map(answer.inputs or {})

    def preview(self, type: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        urn, checked = urn_of(type, name), self.check(type, name, inputs)
        return plain_map(asyncio.run(self.provider.create(rpc.CreateRequest(urn, wrap_map(checked), 0, True))).properties)

    def create(self, type: str, name: str, inputs: dict[str, Any]) -> Thing:
        thing = Thing(type, name, "", self.check(type, name, inputs), {})
        answer = asyncio.run(self.provider.create(rpc.CreateRequest(thing.urn, wrap_map(thing.inputs), 0, False)))
        thing.id, thing.outputs = answer.resource_id or "", plain_map(answer.properties)
        self.made.append(thing)
        return thing

    def read(self, thing: Thing) -> Thing | None:
        request = rpc.ReadRequest(thing.urn, thing.id, wrap_map(thing.outputs), wrap_map(thing.inputs))
        answer = asyncio.run(self.provider.read(request))
        if not answer.resource_id:
            return None
        return Thing(thing.type, thing.name, answer.resource_id, plain_map(answer.inputs), plain_map(answer.properties))

    def diff(self, thing: Thing, inputs: dict[str, Any]) -> rpc.DiffResponse:
        checked = self.check(thing.type, thing.name, inputs, thing.inputs)
        return asyncio.run(self.provider.diff(rpc.DiffRequest(thing.urn, thing.id, wrap_map(thing.outputs), wrap_map(checked), [])))

    def update(self, thing: Thing, inputs: dict[str, Any]) -> Thing:
        checked = self.check(thing.type, thing.name, inputs, thing.inputs)
        request = rpc.UpdateRequest(thing.urn, thing.id, wrap_map(thing.outputs), wrap_map(checked), 0, [], False)
        return Thing(thing.type, thing.name, thing.id, checked, plain_map(asyncio.run(self.provider.update(request)).properties))

    def delete(self, thing: Thing) -> None:
        asyncio.run(self.provider.delete(rpc.DeleteRequest(thing.urn, thing.id, wrap_map(thing.outputs), 0)))

    def adopt(self, thing: Thing) -> Thing | None:
        answer = asyncio.run(self.provider.adopt(thing.urn, thing.type, wrap_map(thing.inputs)))
        if answer is None:
            return None
        return Thing(thing.type, thing.name, answer.resource_id or "", plain_map(answer.inputs), plain_map(answer.properties))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("aws"))
    running.start()
    yield running
    running.kill()


@pytest.fixture
def driver(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    """A configured provider; what the test made is removed after it, newest first."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    made = Driver(AwsProvider())
    made.configure(region=REGION, allowedAccountIds=f'["{ACCOUNT}"]', defaultTags='{"tags": {"owner": "falaj"}}')
    yield made
    for thing in reversed(made.made):
        made.delete(thing)


Make = Callable[[Driver], dict[str, Any]]
