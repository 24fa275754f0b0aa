"""Runs wait in a folder until all of them has arrived, and stand in MLflow once, wherever a sync was ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from falaj.files import lock
from tests.conftest import free_block
from tests.workloads.tracking.conftest import entry, whole_runs
from workloads.tracking import Spool, enter, open_client, server
from workloads.tracking import spool as spooling
from workloads.tracking.entry import Entry


class Killed(BaseException):
    """Ends what it meets, as a kill would: nothing that is written for errors catches it."""


class Mortal:
    """MLflow's client, which dies after so many calls that change something."""

    def __init__(self, real: Any, left: int) -> None:
        self._real, self._left = real, left

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._real, name)
        if not name.startswith(("create", "log", "set", "delete")):
            return call

        def counted(*given: Any, **named: Any) -> Any:
            found = call(*given, **named)
            self._left -= 1
            if self._left == 0:
                raise Killed
            return found

        return counted


@pytest.mark.slow
def test_a_sync_that_dies_after_any_call_is_made_good_by_the_next_and_nothing_is_doubled(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "notes.txt").parent.mkdir(parents=True)
    (work / "notes.txt").write_text("kept")
    version = {"name": "model", "source": "somewhere"}
    spool, real, deaths = Spool.of_environment(), open_client(), 0
    for calls in range(1, 40):
        spool.add(entry(f"died after {calls}", points=1500, version=version), {"notes/one.txt": work / "notes.txt"})
        monkeypatch.setattr(server, "open_client", lambda uri, calls=calls: Mortal(real, calls))
        try:
            spool.sync()
            break
        except Killed:
            deaths += 1
        assert len(spool.waiting()) == 1
        monkeypatch.setattr(server, "open_client", lambda uri: real)
        assert (list(spool.sync().sent), spool.waiting()) == ([f"died after {calls}"], [])
    assert deaths >= 8
    found = whole_runs()
    assert found == {f"died after {calls}": ("FINISHED", 1, 1500) for calls in range(1, deaths + 2)}
    runs = real.search_runs([each.experiment_id for each in real.search_experiments()])
    assert len(runs) == deaths + 1 and all(run.data.params == {"rate": "0.1", "batch": "8"} for run in runs)
    assert sorted(version.run_id for version in real.search_model_versions("name = 'model'")) == sorted(run.info.run_id for run in runs)
    for run in runs:
        assert [path.path for path in real.list_artifacts(run.info.run_id, "notes")] == ["notes/one.txt"]


def test_what_the_server_does_not_take_waits_and_the_others_go(work: Path) -> None:
    spool = Spool.of_environment()
    spool.add(entry("refused", version={"name": "", "source": "somewhere"}))
    spool.add(entry("fine"))
    (spool.add(entry("cut")) / "entry.json").write_text('{"schema"')
    outcome = spool.sync()
    assert (list(outcome.sent), outcome.waiting, len(outcome.why)) == (["fine"], 2, 2)
    assert "MLflow does not take run refused" in outcome.why[0] and "cannot be read" in outcome.why[1]


def test_names_of_tasks_are_told_whatever_letters_they_have(work: Path) -> None:
    points = [(0, 1, 0.5)]
    names = {"int8.خلاصة.rougeL": points, "a//b": points, "../c": points, "d%e": points, "system/cpu": points}
    placed = enter(entry("names", metrics=names))
    assert placed is not None
    assert set(open_client().get_run(placed.run).data.metrics) == {"int8.خلاصة.rougeL", "a__b", "__c", "d_e", "system/cpu"}


def test_an_entry_of_the_same_key_waits_once_and_half_an_entry_is_none(work: Path) -> None:
    spool = Spool.of_environment()
    assert spool.add(entry()) == spool.add(entry(points=9))
    (spool.folder / ".abc.1.partial").mkdir()
    (spool.folder / "no-entry").mkdir()
    assert [path.name for path in spool.waiting()] == [spool.add(entry()).name]


def test_a_server_that_is_down_is_told_in_words_and_asked_once(work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_block()}")
    monkeypatch.setattr(server, "open_client", lambda uri: pytest.fail("MLflow was asked, which tries for minutes"))
    assert enter(entry()) is None and enter(entry("two")) is None
    assert "not entered into MLflow yet, waiting in" in capsys.readouterr().out and len(Spool.of_environment().waiting()) == 2


def test_a_database_that_is_down_is_not_waited_for(work: Path) -> None:
    assert "No such file" in server.away("postgresql+psycopg://falaj@/postgres?host=/tmp/no-such-folder-of-postgres")


@pytest.fixture
def gateway() -> Iterator[str]:
    """A gateway whose server is gone: it answers 503 to everything."""

    class Gone(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    found = HTTPServer(("127.0.0.1", 0), Gone)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{found.server_port}"
    found.shutdown()


def test_a_gateway_without_a_server_behind_it_counts_as_down(gateway: str) -> None:
    assert server.away(gateway) == "it answers 503"


def test_a_folder_that_cannot_be_written_fails_nobodys_run(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FALAJ_TRACKING_SPOOL", str(tmp_path / "file"))
    assert enter(entry()) is None
    assert "not entered into MLflow: Fault" in capsys.readouterr().out


def test_two_that_sync_at_once_take_turns(work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(spooling, "_PATIENCE", 0.1)
    with lock(Spool.of_environment().folder / ".lock", what="another sync"):
        assert enter(entry()) is None
    assert "is locked" in capsys.readouterr().out and len(Spool.of_environment().waiting()) == 1


def test_nothing_is_tracked_where_nobody_named_a_place_or_it_was_turned_off(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert spooling.wanted()
    monkeypatch.setenv("FALAJ_TRACKING", "off")
    assert not spooling.wanted()
    monkeypatch.delenv("FALAJ_TRACKING")
    monkeypatch.delenv("FALAJ_WORK")
    assert not spooling.wanted()


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://falaj:secret@db:5432/mlflow?sslmode=require")
    assert server.tracking_uri() == "postgresql+psycopg://falaj:secret@db:5432/mlflow?sslmode=require"
    assert server.shown(server.tracking_uri()) == "postgresql+psycopg://db:5432/mlflow"


def test_an_entry_is_the_same_after_it_was_written_and_read() -> None:
    assert Entry.from_json(entry().to_json()) == entry()
    with pytest.raises(ValueError, match="not a falaj.tracked/1"):
        Entry.from_json({"schema": "another"})
