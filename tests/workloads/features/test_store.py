"""The genuine Feast over files and SQLite: what was prepared comes back the same offline and online, and nothing else counts as published."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml

from falaj.errors import Denied, UsageError
from falaj.files import read_json
from tests.workloads.features.conftest import needs_feast
from workloads.features import store, tool
from workloads.features.definitions import FEATURES, definitions_digest
from workloads.features.place import Place
from workloads.features.store import Prepared

pytestmark = needs_feast


@pytest.fixture(scope="module")
def filled(data: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with that version. Read only."""
    folder = tmp_path_factory.mktemp("store")
    store.publish(data, Place(str(folder)))
    return folder


@pytest.fixture
def place(filled: Path, tmp_path: Path) -> Place:
    """A copy of it, to alter: a version's repository can be moved."""
    return Place(str(shutil.copytree(filled, tmp_path / "features")))


def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(request: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError(f"Feast was asked: {request['steps']}")

    monkeypatch.setattr(tool, "ask", never)


def test_a_published_version_says_what_it_is_and_that_all_of_it_was_compared(place: Place, data: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    said = store.everything(place)
    wanted = {"version": data.version, "id": data.id, "features": data.digest, "definitions": definitions_digest(), "at": data.made}
    assert said == [{"schema": "falaj.publishedfeatures/1", **wanted, "equal": {"compared": 240, "rows": 240}, "feast": said[0]["feast"]}]
    silent(monkeypatch)
    assert store.publish(data, place) == said[0]


def test_the_repository_is_one_that_feast_users_know(place: Place, data: Prepared) -> None:
    folder = Path(place.uri) / data.id
    settings = yaml.safe_load((folder / "feature_store.yaml").read_text())
    assert {name: settings[name] for name in ("provider", "offline_store", "online_store")} == {
        "provider": "local",
        "offline_store": {"type": "file"},
        "online_store": {"type": "sqlite", "path": "online.db"},
    }
    assert [each["name"] for each in read_json(folder / "features.json", what="table", next="")["features"]] == [each.name for each in FEATURES]
    assert {path.name for path in folder.iterdir()} >= {"definitions.py", "rows.parquet", "registry.db", "online.db", "published.json"}


def test_a_row_is_read_as_it_was_prepared_and_is_not_there_before_that(place: Place, data: Prepared) -> None:
    prepared = {row["row"]: row for row in parquet.read_table(data.table).to_pylist()}
    before = store.read(place, data.id, ["r7", "nobody"], at="2020-01-01T00:00:00Z")
    assert before["offline"] == []
    online = {row["row"]: {each.name: row[each.name] for each in FEATURES} for row in before["online"]}
    assert online == {"r7": {each.name: prepared["r7"][each.name] for each in FEATURES}}


def test_a_value_that_changed_online_and_one_that_changed_offline_are_both_named(place: Place, data: Prepared) -> None:
    folder = Path(place.uri) / data.id
    with sqlite3.connect(folder / "online.db") as database:
        (key, value), *_ = database.execute("SELECT entity_key, value FROM falaj_rows WHERE feature_name = 'tokens' ORDER BY entity_key").fetchall()
        database.execute("UPDATE falaj_rows SET value = ? WHERE feature_name = 'tokens' AND entity_key = ?", (value[:-1] + bytes([value[-1] + 1]), key))
    table = parquet.read_table(folder / "rows.parquet")
    at = table.column("row").to_pylist().index("r7")
    words = table.column("words").to_pylist()
    words[at] += 1
    parquet.write_table(table.set_column(table.schema.get_field_index("words"), table.schema.field("words"), pa.array(words)), folder / "rows.parquet")
    with pytest.raises(Denied, match="the features are not the same offline and online") as caught:
        store.equal(data, place)
    said = sorted((caught.value.given or "").split("; "))
    assert len(said) == 2 and caught.value.exit_code == 3
    assert [line.split(" of row ")[0] for line in said] == ["tokens", "words"]
    assert said[1] == f"words of row r7 is {words[at] - 1}, offline {words[at]}" and ", online " in said[0]


def test_a_forgotten_version_is_gone_and_the_prepared_one_stays(place: Place, data: Prepared) -> None:
    assert store.forget(place, data.id) == 240
    assert store.everything(place) == [] and not (Path(place.uri) / data.id).exists() and data.table.is_file()
    with pytest.raises(UsageError, match="are not published"):
        store.equal(data, place)
