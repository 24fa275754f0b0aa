"""What the owner of a cluster does once before a site is made on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api_server import ApiServer


def name(server: ApiServer, path: Path, monkeypatch: pytest.MonkeyPatch, **user: Any) -> None:
    """Write a kubeconfig to `path` with the server under the context that the example names, and KUBECONFIG; `user` is who asks."""
    document = json.loads(server.kubeconfig().read_text())
    document["contexts"][0]["name"] = "falaj-onprem"
    document["users"][0]["user"] |= user
    path.write_text(json.dumps(document))
    monkeypatch.setenv("KUBECONFIG", str(path))


def prepare(server: ApiServer) -> None:
    """A storage class, and a label on a node."""
    server.create({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "nfs"}, "provisioner": "nfs.csi.k8s.io"})
    server.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one", "labels": {"falaj/kind": "inference"}}})
