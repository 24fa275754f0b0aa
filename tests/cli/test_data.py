"""`falaj data`: versions are listed, compared and rolled back with the model that came from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from falaj.canonical import manifest
from falaj.errors import Denied, Undecided, UsageError
from falaj.home import runs_folder, volume_folder
from infra.audit import chain
from infra.cli import road
from infra.cli.data import data
from tests.workloads.small import own_rows, write_jsonl
from workloads import register
from workloads.artifacts import begin, finish, open_artifact
from workloads.data.versions import versions
from workloads.prepare import prepare
from workloads.release import Release, seal, signing_key_file
from workloads.store import Store

RUNS = {"first": 240, "second": 260}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two versions with their remote. Read only."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FALAJ_DATA_REMOTE", str(folder / "remote"))
        for name, number in RUNS.items():
            prepare(folder / "runs" / name, data=write_jsonl(folder / "mine.jsonl", own_rows(number)), recipe="smoke")
            out = begin(folder / "runs" / name, "train")
            (out / "weights").write_text(name)
            finish(out, "falaj.model/1", inputs={"data": open_artifact(folder / "runs" / name / "prepare").digest})
    return folder


@pytest.fixture
def store(made: Path, falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An environment with two runs, each with a release; the second one is served."""
    shutil.copytree(made / "runs", runs_folder("local"))
    shutil.copytree(made / "remote", tmp_path / "remote")
    monkeypatch.setenv("FALAJ_DATA_REMOTE", str(tmp_path / "remote"))
    monkeypatch.delenv("FALAJ_SIGNING_KEY", raising=False)
    store = Store.open(tmp_path / "releases")
    for version in reversed(versions(runs_folder("local"))):
        release(store, tmp_path, version.run, version.digest)
    monkeypatch.setattr(road, "connect", lambda: None)
    monkeypatch.setattr(road, "release_store", lambda client: store)
    monkeypatch.setattr(road, "wait_until_served", lambda client, version, progress: f"http://{version}")
    monkeypatch.setattr("infra.cli.data._tracked_by_jobs", lambda client: None)
    return store


def release(store: Store, scratch: Path, run: str, rows: str) -> Release:
    folder = scratch / f"sealed-{run}"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "weights").write_text(run)
    before = store.read_json("current.json") or {}
    made = seal(folder, {"version": f"{run}-1", "run": run, "data": rows, "parent": before.get("version"), "profile": {}}, signing_key_file())
    store.put_folder(folder, f"{run}-1", last="release.json")
    register.point(store, made)
    return made


def ask(*arguments: str) -> Any:
    return json.loads(CliRunner().invoke(data, [*arguments, "--json"], catch_exceptions=False).stdout)


def test_versions_are_listed_with_their_releases_and_the_one_that_is_served(store: Store) -> None:
    found = {version["run"]: (version["releases"], version["served"], version["where"]) for version in ask("list")}
    assert found == {"first": (["first-1"], False, "here, remote"), "second": (["second-1"], True, "here, remote")}


def test_two_releases_are_compared_by_their_rows(store: Store) -> None:
    found = ask("diff", "first-1", "second-1")
    assert (found["added"], found["removed"]) == (20, 0)


def test_a_rollback_restores_the_rows_and_serves_the_model_that_came_from_them(store: Store) -> None:
    shutil.rmtree(runs_folder("local") / "first" / "prepare")
    found = ask("rollback", "--to", "first-1")
    assert (found["release"], found["address"], found["models"]) == ("first-1", "http://first-1", ["first-1"])
    restored = open_artifact(runs_folder("local") / "first" / "prepare")
    assert found["features"] == {"digest": restored.files["features.parquet"], "store": None, "compared": 0}
    assert open_artifact(runs_folder("local") / "first" / "prepare").metrics["rows"] == found["rows"]
    assert (store.read_json("current.json") or {})["version"] == "first-1"
    assert [entry.action for entry in chain.read(chain.audit_log("local"))][-2:] == ["rolled back", "rolled data back"]


def test_data_alone_can_be_rolled_back(store: Store) -> None:
    assert ask("rollback", "--to", "first-1", "--data-only")["release"] is None
    assert (store.read_json("current.json") or {})["version"] == "second-1"


def test_rows_without_a_release_do_not_change_what_is_served(store: Store, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "releases" / "first-1")
    first = next(version for version in versions(runs_folder("local")) if version.run == "first")
    with pytest.raises(Undecided, match="no release is known that came from that data"):
        ask("rollback", "--to", first.id)
    assert (store.read_json("current.json") or {})["version"] == "second-1"


def test_the_served_model_is_traced_to_its_rows_and_written_as_events(store: Store, tmp_path: Path) -> None:
    found = ask("lineage", "--out", str(tmp_path / "events.jsonl"))
    assert (found["release"], found["run"]) == ("second-1", "second")
    assert [json.loads(line)["job"]["name"] for line in (tmp_path / "events.jsonl").read_text().splitlines()] == ["prepare", "train"]


def test_a_model_whose_rows_were_replaced_is_denied(store: Store) -> None:
    folder = runs_folder("local") / "second"
    shutil.rmtree(folder / "prepare")
    shutil.copytree(runs_folder("local") / "first" / "prepare", folder / "prepare")
    with pytest.raises(Denied, match="the model was trained on the artifact"):
        ask("lineage", "second-1")


def test_a_source_is_pulled_into_the_work_volume_and_a_run_takes_its_revision(store: Store, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "mine.jsonl", own_rows(30))
    (tmp_path / "mine.source.yaml").write_text("name: mine\naddress: mine.jsonl\n")
    found = ask("pull", str(tmp_path / "mine.source.yaml"))
    assert (found["rows"], found["new"]) == (30, 30)
    taken = road.make_spec("local", recipe="smoke", data=tmp_path / "mine.source.yaml", run="a", cause=None).data
    again = road.make_spec("local", recipe="smoke", data=Path(found["path"]), run="a", cause=None).data
    assert taken == again == {"name": "mine", "path": f"/var/lib/falaj/work/data/sources/mine/{Path(found['path']).name}", "digest": found["revision"]}
    assert Path(found["path"]).is_relative_to(volume_folder("local", "training", "work"))


def test_a_file_is_checked_without_a_run(store: Store, tmp_path: Path) -> None:
    path, tracked = write_jsonl(tmp_path / "mine.jsonl", [*own_rows(), {"source": "", "target": "x"}]), manifest(tmp_path / "remote")
    found = ask("check", str(path), "--out", str(tmp_path / "found"), "--recipe", "smoke")
    assert (found["read"], found["used"], found["put_aside"]) == (241, 240, {"empty": 1})
    assert manifest(tmp_path / "remote") == tracked
    reports = {"report.json", "report.html", "tokens.json", "tokens.html"}
    assert {file.name for file in (tmp_path / "found").iterdir()} == {*reports, "quarantine.jsonl", "changes.jsonl", "data_card.md"}


def test_a_check_that_ends_at_the_tokenizer_leaves_its_report_all_the_same(store: Store, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "mine.jsonl", [{**row, "source": row["source"] + " and more of it" * 20} for row in own_rows()])
    answer = CliRunner().invoke(data, ["check", str(path), "--out", str(tmp_path / "found"), "--recipe", "smoke"])
    assert isinstance(answer.exception, UsageError) and str(tmp_path / "found" / "tokens.html") in (answer.exception.next or "")
    assert "past 1 limits" in (tmp_path / "found" / "tokens.html").read_text()
