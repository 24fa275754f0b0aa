"""`falaj data features`: published, read, compared and forgotten; and put back with the rows by a rollback. With the genuine Feast."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from falaj.errors import UsageError
from falaj.home import runs_folder, volume_folder
from infra.audit import chain
from tests.cli.test_data import ask, made, store
from tests.workloads.features.conftest import needs_feast
from workloads.artifacts import open_artifact
from workloads.data.versions import versions
from workloads.features.definitions import FEATURES
from workloads.store import Store

__all__ = ["made", "store"]


@pytest.fixture(autouse=True)
def folder(store: Store, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the environment's features are; nothing is there yet."""
    monkeypatch.delenv("FALAJ_FEATURE_STORE", raising=False)
    return volume_folder("local", "training", "work") / "features"


@needs_feast
def test_a_rollback_puts_features_back_into_the_store_and_they_are_those_of_the_version(folder: Path) -> None:
    ids = {version.run: version.id for version in versions(runs_folder("local"))}
    assert ask("features", "publish")["id"] == ids["second"]  # What is served.
    shutil.rmtree(runs_folder("local") / "first" / "prepare")
    found = ask("rollback", "--to", "first-1")

    restored = open_artifact(runs_folder("local") / "first" / "prepare")
    assert found["features"] == {"digest": restored.files["features.parquet"], "store": str(folder / ids["first"]), "compared": 240}
    assert (found["release"], found["models"]) == ("first-1", ["first-1"])
    assert {said["id"] for said in ask("features", "list")} == {ids["first"], ids["second"]}
    assert list(chain.read(chain.audit_log("local")))[-1].details["features"] == found["features"]["digest"]

    row = json.loads(restored.path("test.jsonl").read_text().splitlines()[0])["id"]
    read = ask("features", "get", row)
    assert read["version"] == ids["first"] and read["offline"] == read["online"] and set(read["online"]) == {row}
    assert set(read["online"][row]) == {each.name for each in FEATURES}


def test_a_version_that_is_not_published_is_not_compared_or_read_or_forgotten() -> None:
    for arguments in (["equal", "first-1"], ["get", "a", "--version", "first-1"]):
        with pytest.raises(UsageError, match="are not published"):
            ask("features", *arguments)
    with pytest.raises(UsageError, match="no published version is called 'abc'"):
        ask("features", "forget", "abc")


@pytest.mark.parametrize(("at", "said"), [("yesterday", "that is no moment"), ("2026-11-23T10:00:00", "that moment has no time zone")])
def test_a_moment_is_said_whole(at: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ask("features", "get", "a", "--at", at)


def test_the_features_there_are_can_be_looked_at() -> None:
    assert [each["name"] for each in ask("features", "show")] == [each.name for each in FEATURES]
