"""An environment's MLflow server (`python -m workloads mlflow`) over TLS, on PostgreSQL and S3: down, then up; killed amid a sync, and who syncs too."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.workloads.tracking.conftest import BUCKET, PASSWORD, Server, entry, put_certificate, sync_process, whole_runs
from workloads.tracking import Spool, enter, open_client
from workloads.tracking.server import KEY, WHOLE, away

pytestmark = pytest.mark.slow
LARGE = {"points": 1000, "series": 12}


@pytest.fixture
def at_server(work: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The environment names the server; whether it is up is the test's."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    return server


def wait_for_a_part(url: str, key: str, *, goes_on: Callable[[], bool]) -> None:
    """Return when some of the run of `key` has arrived, and not all of it."""
    client, deadline = open_client(url), time.monotonic() + 300
    while True:
        assert goes_on() and time.monotonic() < deadline
        for run in client.search_runs([each.experiment_id for each in client.search_experiments()], filter_string=f"tags.{KEY} = '{key}'"):
            assert WHOLE not in run.data.tags, "it was too quick to be caught in the middle"
            if len(run.data.metrics) >= 2:
                return
        time.sleep(0.02)


def test_runs_made_while_the_server_is_down_are_there_once_it_is_up(at_server: Server, work: Path, s3: Any) -> None:
    at_server.kill()
    (work / "record.json").parent.mkdir(parents=True)
    (work / "record.json").write_text('{"loss": 1}')
    assert [enter(entry(key), {"record.json": work / "record.json"}) for key in ("first", "second")] == [None, None]
    assert len(Spool.of_environment().waiting()) == 2
    at_server.start()
    assert enter(entry("third")) is not None
    assert {key: told for key, told in whole_runs().items() if key in ("first", "second", "third")} == {
        key: ("FINISHED", 1, 3) for key in ("first", "second", "third")
    }
    assert Spool.of_environment().waiting() == [] and Spool.of_environment().sync().sent == {}
    held = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"] if each["Key"].endswith("record.json")]
    assert [s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in held] == [b'{"loss": 1}'] * 2


def test_a_server_that_cannot_prove_its_name_is_away(at_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if at_server.process is None:
        at_server.start()
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(put_certificate(tmp_path)))
    assert "CERTIFICATE_VERIFY_FAILED" in away(at_server.url) and enter(entry("nobody heard")) is None


def test_a_sync_that_is_killed_in_the_middle_is_finished_by_the_next(at_server: Server, work: Path) -> None:
    if at_server.process is None:
        at_server.start()
    Spool.of_environment().add(entry("cut short", **LARGE))
    process = sync_process(work, at_server.url)
    wait_for_a_part(at_server.url, "cut short", goes_on=lambda: process.poll() is None)
    process.kill()
    process.communicate()
    assert len(Spool.of_environment().waiting()) == 1 and "cut short" not in whole_runs()
    again = sync_process(work, at_server.url)
    said, _ = again.communicate(timeout=300)
    assert (again.returncode, said.splitlines()[-1]) == (0, "1 runs entered into MLflow, 0 wait"), said
    assert whole_runs()["cut short"] == ("FINISHED", 1, 12_000) and Spool.of_environment().waiting() == []


def test_a_server_that_dies_in_the_middle_of_a_sync_gets_the_rest_when_it_is_back(at_server: Server, work: Path) -> None:
    if at_server.process is None:
        at_server.start()
    Spool.of_environment().add(entry("server died", **LARGE))
    process = sync_process(work, at_server.url)
    wait_for_a_part(at_server.url, "server died", goes_on=lambda: process.poll() is None)
    at_server.kill()
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1 and "0 runs entered into MLflow, 1 wait" in said, said
    at_server.start()
    assert list(Spool.of_environment().sync().sent) == ["server died"]
    assert whole_runs()["server died"] == ("FINISHED", 1, 12_000)


def test_without_a_server_runs_go_to_postgresql_and_their_files_to_the_bucket(work: Path, database: str, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    administrator = f"postgresql://falaj:{quote(PASSWORD, safe='')}@{database}"
    with psycopg.connect(administrator, autocommit=True) as connection:
        connection.execute("CREATE DATABASE direct")
    own = administrator.removesuffix("/postgres") + "/direct"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", own)
    monkeypatch.setenv("FALAJ_ARTIFACTS_BUCKET", BUCKET)
    (work / "record.json").parent.mkdir(parents=True)
    (work / "record.json").write_text('{"direct": 1}')
    placed = enter(entry("direct"), {"record.json": work / "record.json"})
    assert placed is not None and whole_runs()["direct"] == ("FINISHED", 1, 3)
    with psycopg.connect(own) as connection:
        assert connection.execute("SELECT count(*) FROM metrics").fetchone() == (3,)
    held = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="mlflow/")["Contents"]]
    assert [s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in held] == [b'{"direct": 1}']
