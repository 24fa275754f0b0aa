"""Our own `local` environment on a real node: everything is taken and bound, and the real serving image answers from the native engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj.home import ROOT
from infra.components.node_pools import KIND
from infra.sandbox.node.settings import NODE
from tests.cluster.own_objects import own_objects, own_worlds
from tests.node.live import MISSING, Live, is_possible

IMAGES = Path(os.environ.get("FALAJ_IMAGES") or ROOT / ".cache/images/out")
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("node"), pytest.mark.skipif(not is_possible(), reason=MISSING)]


@pytest.fixture(scope="module")
def objects(node: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """What the stacks of `local` put onto their cluster, applied."""
    found = own_objects(own_worlds(tmp_path_factory.mktemp("worlds"), "local"))
    node.change(f"/api/v1/nodes/{NODE}", {"metadata": {"labels": {KIND: "inference"}}})
    try:
        answers = {(each["kind"], each["metadata"]["name"]): node.apply(each) for each in found}
        assert {code for code, _ in answers.values()} == {201}
        yield found
    finally:
        for each in reversed(found):
            node.send("DELETE", f"{node.path_of(each)}/{each['metadata']['name']}?propagationPolicy=Background&gracePeriodSeconds=1")
        node.until(lambda: node.send("GET", "/api/v1/namespaces/inference")[0], lambda code: code == 404)


def test_every_object_of_local_is_taken_and_every_claim_gets_its_folder(node: Live, objects: list[dict[str, Any]]) -> None:
    for each in (one for one in objects if one["kind"] == "PersistentVolumeClaim"):
        path = f"{node.path_of(each)}/{each['metadata']['name']}"
        claim = node.until(lambda path=path: node.get(path), lambda claim: claim["status"].get("phase") == "Bound")
        volume = node.get(f"/api/v1/persistentvolumes/{claim['spec']['volumeName']}")
        assert Path(volume["spec"]["hostPath"]["path"]).is_dir()
