"""Logging in to PostgreSQL without a password in any address, and the job that makes the database ready, against a real server that asks for one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from falaj.errors import UsageError
from tests.conftest import free_block
from tests.workloads.serve import postgres
from tests.workloads.tracking.conftest import PASSWORD
from workloads.tracking import setup
from workloads.tracking.database import Database, PasswordFile, password_of


class Store:
    """The cloud's store of secrets, which holds one that nobody has filled yet."""

    class exceptions:  # noqa: N801  boto3's own word
        class ResourceNotFoundException(Exception):
            pass

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        if SecretId not in self.held:
            raise self.exceptions.ResourceNotFoundException
        return {"SecretString": self.held[SecretId]}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:
        self.held[SecretId] = SecretString


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres.running(free_block(), PASSWORD) as found:
        yield found


@pytest.fixture
def administrator(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The server as its administrator, who is logged in by a password file."""
    monkeypatch.setenv("PGPASSFILE", "")
    database = Database.of({"FALAJ_DATABASE": address.rpartition("@")[2], "FALAJ_DATABASE_USER": "falaj"})
    file = PasswordFile(tmp_path / "password", database, lambda: PASSWORD)
    yield database
    file.close()
    assert not (tmp_path / "password").exists()


def can_connect(uri: str) -> bool:
    try:
        psycopg.connect(uri, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def test_an_address_holds_no_password_and_a_server_must_prove_its_name() -> None:
    found = Database.of({"FALAJ_DATABASE": "db.rds:5432/runs", "FALAJ_DATABASE_USER": "mlflow", "FALAJ_DATABASE_CA": "/a/ca.pem"})
    assert found.uri == "postgresql://mlflow@db.rds:5432/runs?sslmode=verify-full&sslrootcert=%2Fa%2Fca.pem"
    assert found.line("a:b\\c") == "db.rds:5432:*:mlflow:a\\:b\\\\c"


@pytest.mark.parametrize("told", ["", "db/runs", "db:port/runs", ":5432/runs", "db:5432/"])
def test_what_is_no_database_is_refused(told: str) -> None:
    with pytest.raises(UsageError, match="this is no database"):
        Database.of({"FALAJ_DATABASE": told})


def test_a_token_is_signed_for_the_pods_own_role_and_calls_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a")
    database = Database("db.rds", 5432, "runs", "mlflow")
    token = password_of(database, {"AWS_REGION": "me-central-1"})()
    assert token.startswith("db.rds:5432/?Action=connect&DBUser=mlflow&") and "me-central-1" in token


def test_a_password_that_changes_is_read_again(address: str, administrator: Database, tmp_path: Path) -> None:
    held = tmp_path / "secret"
    held.write_text("wrong")
    file = PasswordFile(tmp_path / "other", administrator, password_of(administrator, {"FALAJ_DATABASE_PASSWORD_FILE": str(held)}), seconds=0.05)
    try:
        assert not can_connect(address)
        held.write_text(f"{PASSWORD}\n")
        for _ in range(200):
            if can_connect(address):
                break
        assert can_connect(address) and oct((tmp_path / "other").stat().st_mode)[-3:] == "600"
    finally:
        file.close()


def test_roles_get_their_own_databases_once_and_searches_a_password_that_stands_in_the_store_alone(administrator: Database) -> None:
    store: Any = Store()
    assert setup.prepare(administrator, store, "tune") is True
    tune = json.loads(store.held["tune"])["url"]
    place = f"127.0.0.1:{administrator.port}"
    assert tune.startswith("postgresql://falaj_tune:") and tune.endswith(f"@{place}/falaj_tune") and can_connect(tune)
    # Neither of the two gets into the other's, and without its password nobody in as searches.
    assert not can_connect(tune.replace("/falaj_tune", "/falaj_mlflow"))
    assert not can_connect(f"postgresql://falaj_tune:guess@{place}/falaj_tune")
    assert setup.prepare(administrator, store, "tune") is False
    assert json.loads(store.held["tune"])["url"] == tune
    with psycopg.connect(administrator.uri) as server:
        owners = server.execute("SELECT datname, pg_get_userbyid(datdba) FROM pg_database WHERE datname LIKE 'falaj%' ORDER BY 1").fetchall()
    assert owners == [("falaj_mlflow", "falaj_mlflow"), ("falaj_tune", "falaj_tune")]
    assert os.environ["PGPASSFILE"]
