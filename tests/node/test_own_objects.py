"""Our own `local` environment on a real node: everything is taken and bound, and the real serving image answers from the native engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj.home import volume_folder
from infra.components.inference import REQUESTS
from infra.components.node_pools import KIND
from infra.sandbox.node.caretaker import share
from infra.sandbox.node.settings import NODE
from tests.cluster.own_objects import own_objects, own_worlds
from tests.node.live import IMAGES, MISSING, Live, ask, is_possible
from tests.node.released import release

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


def test_the_real_image_serves_a_release_from_the_native_engine(node: Live, objects: list[dict[str, Any]], tmp_path: Path) -> None:
    if not (IMAGES / "serve.oci.tar").exists():  # asked here, as a test of images may just have made it
        pytest.skip(f"needs the serving image: sh tools/image.sh serve {IMAGES}")
    held = volume_folder("local", "inference", "requests")
    node.until(held.is_dir)
    release(held / "releases", tmp_path)
    share(held)
    server = next(each for each in objects if (each["kind"], each["metadata"]["name"]) == ("Deployment", "flan-t5"))
    container = server["spec"]["template"]["spec"]["containers"][0]
    told = {"FALAJ_RELEASES": f"{REQUESTS}/releases", "FALAJ_TRUSTED_KEY": f"{REQUESTS}/releases/release.pub.pem", "FALAJ_SERVE_ENGINE": "native"}
    container["env"] = [one for one in container["env"] if one["name"] not in told] + [{"name": name, "value": value} for name, value in told.items()]
    container["image"] = f"{container['image'].partition('@')[0]}@{(IMAGES / 'serve.digest').read_text().strip()}"
    # A machine of two processors has none left for a server that asks for both.
    container["resources"] = {"requests": {"cpu": "200m", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    assert node.apply(server)[0] == 200
    (pod,) = node.available("flan-t5", 1, "inference")
    assert pod["status"]["containerStatuses"][0]["imageID"].endswith((IMAGES / "serve.digest").read_text().strip())
    address = node.address("flan-t5", "inference")
    code, text = ask(f"{address}/generate", data=json.dumps({"text": "colour: red thing"}).encode(), timeout=30)
    assert (code, json.loads(text)["release"]) == (200, "v1")
    assert json.loads(ask(f"{address}/v1/release")[1])["engine"].startswith("native")
