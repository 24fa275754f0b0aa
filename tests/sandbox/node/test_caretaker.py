"""Shared volumes that a stack made, as the node's driver finds them: by a link of the handle's name; and what rooms get besides."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from falaj.home import volume_folder
from infra.components.namespaces import others
from infra.config import naming
from infra.sandbox.node.caretaker import Caretaker, link_shared
from infra.sandbox.node.policies import cloud_opening
from infra.sandbox.node.settings import FILES_DRIVER, settings_of


def shared(**source: str) -> dict[str, Any]:
    """A volume of the claim `work` in `training`, with `source` in the place of what is said of its files."""
    csi = {"driver": "efs.csi.aws.com", "volumeHandle": "fs-1::fsap-1", **source}
    return {"metadata": {"name": "training-work"}, "spec": {"csi": csi, "claimRef": {"namespace": "training", "name": "work"}}}


def test_a_shared_volumes_handle_leads_to_the_folder_of_its_claim(falaj_home: Path, tmp_path: Path) -> None:
    for _ in range(2):
        link_shared(shared(), tmp_path / "links")
    found = {each.name: each.resolve() for each in (tmp_path / "links").iterdir()}
    assert found == {"fs-1::fsap-1": volume_folder("local", "training", "work").resolve()}
    assert found["fs-1::fsap-1"].is_dir()


def test_a_folder_that_was_removed_is_made_again(falaj_home: Path, tmp_path: Path) -> None:
    link_shared(shared(), tmp_path / "links")
    volume_folder("local", "training", "work").rmdir()
    link_shared(shared(), tmp_path / "links")
    assert (tmp_path / "links" / "fs-1::fsap-1").is_dir()


@pytest.mark.parametrize("source", [{"driver": "ebs.csi.aws.com"}, {"volumeHandle": "../elsewhere"}, {"volumeHandle": "/elsewhere"}, {"volumeHandle": ".."}])
def test_no_other_volume_is_linked_and_no_handle_leads_elsewhere(falaj_home: Path, tmp_path: Path, source: dict[str, str]) -> None:
    link_shared(shared(**source), tmp_path / "links")
    assert list(tmp_path.rglob("*")) == [] and not volume_folder("local", "training", "work").exists()


def test_the_nodes_driver_has_the_name_that_volumes_are_planned_with() -> None:
    assert FILES_DRIVER == naming.FILES_DRIVER


def test_a_room_gets_its_openings_and_last_the_keys_by_which_it_is_known_to_have_all(falaj_home: Path, tmp_path: Path) -> None:
    room, made = {"metadata": {"name": "training"}, "status": {"phase": "Active"}}, []

    def apply(thing: dict[str, Any]) -> None:
        made.append((thing["kind"], thing["metadata"]["namespace"]))
        if thing["kind"] == "Secret":
            caretaker.stop()

    api: Any = SimpleNamespace(send=lambda _, path: (200, {"items": [room] if path == "/api/v1/namespaces" else []}), apply=apply)
    caretaker = Caretaker(api, tmp_path, lambda namespace: [cloud_opening(namespace, settings_of(tmp_path), 14566)])
    caretaker.run()
    assert made == [("NetworkPolicy", "training"), ("Secret", "training")]


def test_the_way_to_the_emulated_cloud_is_closed_to_those_whom_the_rooms_way_out_is_closed_to(tmp_path: Path) -> None:
    (expression,) = cloud_opening("training", settings_of(tmp_path), 14566)["spec"]["podSelector"]["matchExpressions"]
    assert [expression] == others()["match_expressions"]
