"""A node that ends leaves this machine as it was, however it ends; what its cluster knew is there at the next start."""

from __future__ import annotations

import json
import os
import signal

import psutil
import pytest

from infra.sandbox.kubernetes.service import kubernetes_daemon
from tests.node.conftest import start
from tests.node.live import MISSING, Live, is_possible, traces

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("node"), pytest.mark.skipif(not is_possible(), reason=MISSING)]


def test_a_node_leaves_nothing_and_forgets_nothing(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    before = traces()
    try:
        node = start(tmp_path_factory.mktemp("node"), monkeypatch)  # sockets have no room for a folder of the test's name
        node.make({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "namespace": "default"}, "data": {"of": "the first start"}})
        assert traces() != before
        daemon = kubernetes_daemon()
        daemon.stop()
        node.until(traces, lambda found: found == before)  # somebody else may mount something meanwhile
        assert daemon.ensure()
        again = Live.of(daemon.folder / "kubeconfig")
        assert again.get("/api/v1/namespaces/default/configmaps/kept")["data"] == {"of": "the first start"}
        server = psutil.Process(json.loads((daemon.folder / "process.json").read_text())["pid"])
        os.kill(server.pid, signal.SIGKILL)
        server.wait(10)
        again.until(traces, lambda found: found == before)
    finally:
        kubernetes_daemon().stop()
