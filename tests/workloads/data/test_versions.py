"""Versions of prepared data are found, compared and brought back, from their run or from the remote alone; lineage is compared link by link."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from falaj.canonical import manifest
from falaj.errors import Denied, UsageError
from tests.workloads.data.conftest import BUCKET
from tests.workloads.small import own_rows, write_jsonl
from workloads import lineage
from workloads.artifacts import begin, finish, open_artifact
from workloads.data import tracked, versions
from workloads.prepare import prepare
from workloads.store import Store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of growing data, tracked in a folder. Read only."""
    folder = tmp_path_factory.mktemp("versions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FALAJ_DATA_REMOTE", str(folder / "remote"))
        patch.delenv("FALAJ_WORK", raising=False)
        for run, number in (("first", 240), ("second", 260)):
            prepare(folder / "runs" / run, data=write_jsonl(folder / "mine.jsonl", own_rows(number)), recipe="smoke")
    return folder


@pytest.fixture
def world(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "world"))


def known(world: Path, *, remote: bool = True, store: Store | None = None) -> dict[str, versions.Version]:
    found = versions.versions(world / "runs", remote=str(world / "remote") if remote else None, store=store)
    return {version.run: version for version in found}


def test_versions_are_found_in_runs_and_in_the_remote(world: Path) -> None:
    assert {run: version.where for run, version in known(world).items()} == {"first": "here, remote", "second": "here, remote"}
    shutil.rmtree(world / "runs" / "first")
    assert {run: version.where for run, version in known(world).items()} == {"first": "remote", "second": "here, remote"}
    assert {run: version.where for run, version in known(world, remote=False).items()} == {"second": "here"}


def test_a_version_knows_the_releases_that_were_made_from_it(world: Path) -> None:
    store = Store.open(world / "releases")
    for number, run in enumerate(("first", "second")):
        store.put_json(f"{run}-1/release.json", {"run": run, "data": known(world)[run].digest, "registered_at": f"2026-01-0{number + 1}"})
    store.put_json("current.json", {"version": "second-1"})
    found = known(world, store=store)
    assert {run: (version.releases, version.served) for run, version in found.items()} == {"first": (("first-1",), False), "second": (("second-1",), True)}
    assert versions.choose(list(found.values()), "first-1") == versions.choose(list(found.values()), found["first"].id[:6]) == found["first"]


@pytest.mark.parametrize("name", ["", "nothing", "sha256:"])
def test_a_name_that_is_no_version_is_told_with_those_there_are(world: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no version of the data") as caught:
        versions.choose(list(known(world).values()), name)
    assert known(world)["first"].id in str(caught.value)


def test_two_versions_differ_by_what_their_rows_say(world: Path) -> None:
    first, second = known(world)["first"], known(world)["second"]
    found = versions.difference(world / "runs", first, second)
    assert (found["added"], found["removed"], found["unchanged"] + found["moved"]) == (20, 0, 240)
    assert versions.difference(world / "runs", second, first)["removed"] == 20
    assert sum(found["added_by_split"].values()) == 20 and len(found["for_example"]["added"]) == 5


def test_a_version_whose_run_is_gone_comes_back_whole_from_the_remote(world: Path) -> None:
    version, before = known(world)["first"], manifest(world / "runs" / "first" / "prepare")
    shutil.rmtree(world / "runs" / "first")
    assert manifest(versions.restore(world / "runs", version, remote=str(world / "remote"))) == before
    assert sorted(path.name for path in (world / "runs").iterdir()) == ["first", "second"]


def test_a_version_comes_back_from_a_bucket(tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_DATA_BUCKET", BUCKET)
    monkeypatch.delenv("FALAJ_DATA_REMOTE", raising=False)
    prepare(tmp_path / "runs" / "first", data=write_jsonl(tmp_path / "mine.jsonl", own_rows()), recipe="smoke")
    before = manifest(tmp_path / "runs" / "first" / "prepare")
    shutil.rmtree(tmp_path / "runs" / "first")
    (version,) = versions.versions(tmp_path / "runs", remote=tracked.remote())
    assert (version.run, version.where) == ("first", "remote")
    assert manifest(versions.restore(tmp_path / "runs", version, remote=tracked.remote())) == before


def test_an_altered_row_is_replaced_by_the_one_that_was_tracked(world: Path) -> None:
    version, path = known(world)["first"], world / "runs" / "first" / "prepare" / "train.jsonl"
    before = path.read_text()
    path.write_text(before.replace("warm", "cold", 1))
    versions.restore(world / "runs", version, remote=str(world / "remote"))
    assert path.read_text() == before


def test_a_version_that_no_remote_holds_is_told_and_the_run_left_as_it_is(world: Path) -> None:
    version, path = known(world)["first"], world / "runs" / "first" / "prepare" / "train.jsonl"
    path.write_text("altered")
    with pytest.raises(UsageError, match="are not there any more"):
        versions.restore(world / "runs", version)
    assert path.read_text() == "altered"


@pytest.fixture
def run(world: Path) -> Path:
    run = world / "runs" / "first"
    out = begin(run, "train")
    (out / "weights").write_text("1")
    finish(out, "falaj.model/1", inputs={"data": _digest(run), "base": "sha256:0"})
    return run


def _digest(run: Path) -> str:
    return open_artifact(run / "prepare").digest


def test_a_release_is_traced_to_its_rows_and_their_source(world: Path, run: Path) -> None:
    version = known(world)["first"]
    found = lineage.trace(run, {"version": "first-1", "run": "first", "data": version.digest})
    assert (found["release"], found["rows"], found["data"]) == ("first-1", version.digest, _digest(run))
    assert found["sources"][0]["name"] == "mine" and found["sources"][0]["digest"].startswith("sha256:")
    assert found["checked"] == ["the card names the rows", "the model was trained on the artifact", "the release names the rows"]


def test_a_release_of_other_rows_is_denied(run: Path) -> None:
    with pytest.raises(Denied, match="the release names the rows"):
        lineage.trace(run, {"version": "first-1", "run": "first", "data": "sha256:other"})


def test_a_model_of_another_artifact_is_denied(run: Path) -> None:
    out = begin(run, "train")
    finish(out, "falaj.model/1", inputs={"data": "sha256:other"})
    with pytest.raises(Denied, match="the model was trained on the artifact"):
        lineage.trace(run)


def test_events_say_what_each_stage_read_and_made_as_openlineage_does(run: Path) -> None:
    prepared, trained = lineage.events(run)
    assert {"eventType", "eventTime", "run", "job", "inputs", "outputs", "producer", "schemaURL"} == set(prepared)
    assert (prepared["job"]["name"], trained["job"]["name"], prepared["eventType"]) == ("prepare", "train", "COMPLETE")
    made = {each["name"]: each["facets"]["version"]["datasetVersion"] for each in prepared["outputs"]}
    read = {each["name"]: each["facets"]["version"]["datasetVersion"] for each in trained["inputs"]}
    assert read["first/prepare"] == made["first/prepare"] == _digest(run)
    assert all({"_producer", "_schemaURL"} <= set(each["facets"]["version"]) for each in prepared["outputs"])
    assert lineage.events(run) == lineage.events(run)
