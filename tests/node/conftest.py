"""One node for all tests here. They reach this machine's own node, and nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.sandbox.kubernetes.service import choose_form, kubernetes_daemon
from infra.sandbox.node.settings import settings_of
from tests.conftest import free_block
from tests.node.live import PLACE, Live, put_images


@pytest.fixture(autouse=True)
def no_network() -> None:
    """A node's network is a link of this machine that leads nowhere else."""


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A node with a namespace for tests."""
    with pytest.MonkeyPatch.context() as patch:
        try:
            started = start(tmp_path_factory.mktemp("node"), patch, put_images)
            label = {"pod-security.kubernetes.io/enforce": "restricted"}
            started.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE, "labels": label}})
            started.until(lambda: started.send("GET", f"/api/v1/namespaces/{PLACE}/serviceaccounts/default")[0], lambda status: status == 200)
            yield started
        finally:
            kubernetes_daemon().stop()


def start(home: Path, patch: pytest.MonkeyPatch, put: Callable[[Path], None] = lambda folder: None) -> Live:
    """A node that keeps its things below `home`; `put` lays images into its folder."""
    patch.setenv("FALAJ_HOME", str(home))
    patch.setenv("FALAJ_PORT_BASE", str(free_block()))
    choose_form("node")
    daemon = kubernetes_daemon()
    put(daemon.folder)
    daemon.ensure()
    return Live.of(settings_of(daemon.folder).kubeconfig)
