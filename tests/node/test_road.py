"""The whole road on a real node: the stacks, each stage a pod of the training image, the release served by pods of the serving image; and down again."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj.home import ROOT
from infra.config.load import load_environment
from tests.conftest import free_block
from tests.integration.house import House
from tests.node.live import IMAGES, MISSING, Live, ask, digest_of, has_image, is_possible, traces

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("node"),
    pytest.mark.skipif(not is_possible(), reason=MISSING),
]
CONFIG = "stacks/workloads/Pulumi.local.yaml"


def checkout(place: Path) -> Path:
    """What git keeps of this checkout, with its config naming the images that were built here, as docs/images.md asks."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    (place / ".cache").symlink_to(ROOT / ".cache")
    config, text = load_environment("local").workloads.images, (place / CONFIG).read_text()
    for name in ("train", "serve"):
        text = text.replace(getattr(config, name), digest_of(name))
    (place / CONFIG).write_text(text)
    return place


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, dict[str, Any]]]:
    """A home whose local environment was brought up on a real node, and what was said of it."""
    if not (has_image("train") and has_image("serve")):
        pytest.skip(f"needs both images: sh tools/image.sh train {IMAGES}, and serve")
    folder = tmp_path_factory.mktemp("road")
    found = House(folder / "home", free_block(), checkout(folder / "checkout"))
    before = traces()
    try:
        yield found, found.falaj("up", "--env", "local", "--kubernetes", "node", "--images", str(IMAGES), "--json")
    finally:
        found.falaj("down", "--env", "local", "--purge")
    assert traces() == before


def test_the_release_is_served_by_the_real_image(house: tuple[House, dict[str, Any]]) -> None:
    home, first = house
    node = Live.of(home.home / "local" / "node" / "kubeconfig")
    code, text = ask(f"{first['run']['address']}/generate", data=json.dumps({"text": "section: A library for reading PNG images."}).encode(), timeout=60)
    assert (code, json.loads(text)["release"]) == (200, first["run"]["release"])
    images = {
        space: {each["imageID"].rpartition("@")[2] for pod in node.pods(space).values() for each in pod["status"]["containerStatuses"]}
        for space in ("training", "inference")
    }
    assert images == {"training": {digest_of("train")}, "inference": {digest_of("serve")}}


def test_the_watch_and_the_evidence_are_as_on_any_cluster(house: tuple[House, dict[str, Any]]) -> None:
    _, first = house
    assert (first["drift"], first["evidence"]["verdict"]) == ({"clean": "ok", "shifted": "drift"}, "genuine")


def test_a_second_up_makes_nothing_anew(house: tuple[House, dict[str, Any]]) -> None:
    home, first = house
    again = home.falaj("up", "--env", "local", "--json")
    assert [stack["steps"] for stack in again["stacks"]] == [0, 0, 0, 0]
    assert again["run"]["release"] == first["run"]["release"] and "train" in again["run"]["reused"]
