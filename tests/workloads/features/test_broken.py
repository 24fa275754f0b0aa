"""Nothing counts as published where Feast is away, fails, or does not give back what it was given. No Feast is needed to see that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from falaj.errors import Denied, Fault, UsageError
from falaj.files import read_json
from tests.workloads.small import own_rows, write_jsonl
from workloads.artifacts import open_artifact
from workloads.features import store, tool
from workloads.features.place import Place
from workloads.features.store import Prepared
from workloads.prepare import prepare


def faithful(request: dict[str, Any]) -> dict[str, Any]:
    """A Feast that gives back what stands in the table."""
    rows = parquet.read_table(Path(request["repository"]) / "rows.parquet")
    for side in ("offline", "online"):
        parquet.write_table(rows, request[side])
    return {"feast": "none"}


def forgetful(request: dict[str, Any]) -> dict[str, Any]:
    """One that loses a row between writing and reading."""
    faithful(request)
    parquet.write_table(parquet.read_table(request["online"]).slice(1), request["online"])
    return {"feast": "none"}


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python of Feast's environment is there; what it says is for each test to say."""
    (tmp_path / "python").write_text("#!/bin/sh\necho 'feast: no such table' >&2\nexit 7\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setenv("FALAJ_FEAST", str(tmp_path / "python"))


def nothing_is_published(place: Place) -> bool:
    return store.everything(place) == [] and [path.name for path in Path(place.uri).iterdir()] == [".lock"]


def test_what_cannot_be_read_back_is_not_published(data: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(str(tmp_path / "features"))
    monkeypatch.setattr(tool, "ask", forgetful)
    with pytest.raises(Denied, match="the features are not the same offline and online") as caught:
        store.publish(data, place)
    assert "online missing" in (caught.value.given or "") and caught.value.exit_code == 3 and nothing_is_published(place)
    monkeypatch.setattr(tool, "ask", faithful)
    assert store.publish(data, place, most=60)["equal"] == {"compared": 60, "rows": 240}


def test_a_feast_that_fails_publishes_nothing_and_its_last_words_are_told(data: Prepared, tmp_path: Path) -> None:
    place = Place(str(tmp_path / "features"))
    with pytest.raises(Fault, match="Feast failed") as caught:
        store.publish(data, place)
    assert caught.value.why == "feast: no such table" and "exit 7" in (caught.value.given or "") and nothing_is_published(place)


def test_features_of_other_rows_or_definitions_are_published_anew(data: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, asked = Place(str(tmp_path / "features")), []
    monkeypatch.setattr(tool, "ask", lambda request: asked.append(request["steps"]) or faithful(request))
    first = store.publish(data, place)
    assert store.publish(data, place) == first and len(asked) == 1
    monkeypatch.setattr(store, "definitions_digest", lambda: "sha256:other")
    assert not store.is_published(data, place)
    assert store.publish(data, place)["definitions"] == "sha256:other" and len(asked) == 2


def test_a_run_ends_at_once_where_features_are_to_be_kept_and_feast_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_FEATURE_STORE", str(tmp_path / "features"))
    monkeypatch.setenv("FALAJ_FEAST", str(tmp_path / "nowhere"))
    with pytest.raises(Fault, match="Feast is not here") as caught:
        prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", own_rows()), recipe="smoke")
    assert caught.value.next == "run `make features`" and not (tmp_path / "r").exists()


def test_a_run_publishes_what_it_prepared_and_stops_where_it_does_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_FEATURE_STORE", str(tmp_path / "features"))
    rows = write_jsonl(tmp_path / "mine.jsonl", own_rows())
    monkeypatch.setattr(tool, "ask", forgetful)
    with pytest.raises(Denied, match="the features are not the same"):
        prepare(tmp_path / "r", data=rows, recipe="smoke")
    assert store.everything(Place(str(tmp_path / "features"))) == []
    monkeypatch.setattr(tool, "ask", faithful)
    artifact = prepare(tmp_path / "r", data=rows, recipe="smoke")
    card = read_json(artifact.path("data_card.json"), what="card", next="")
    assert [said["version"] for said in store.everything(Place(str(tmp_path / "features")))] == [card["digest"]]


def test_a_version_that_was_prepared_before_there_were_features_says_so(data: Prepared, tmp_path: Path) -> None:
    artifact = open_artifact(data.table.parent)
    with pytest.raises(UsageError, match="that version of the data has no features"):
        store.prepared(replace(artifact, files={"train.jsonl": "sha256:0"}))
