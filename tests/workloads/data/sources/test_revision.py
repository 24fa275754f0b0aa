"""A revision of a source holds what was there, grows by what is new where that can be told, and has the digest of the whole either way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from falaj.errors import Fault, UsageError
from tests.workloads.small import own_rows, write_jsonl
from workloads.data.sources import description, revision
from workloads.data.sources.description import Description


def source(path: Path, **more: Any) -> Description:
    return Description(name="colours", address=str(path), **more)


def append(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("a") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)


def held(path: Path) -> list[Any]:
    return [row for _, row in revision.records(path)]


def test_a_file_that_grew_is_read_from_where_it_ended_and_has_the_digest_of_a_whole_reading(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows(30))
    first, _ = revision.pull(source(path), tmp_path / "a")
    append(path, own_rows(40)[30:])
    second, place = revision.pull(source(path), tmp_path / "a")
    whole, _ = revision.pull(source(path), tmp_path / "b")
    assert (second.new_rows, second.parent, len(second.parts)) == (10, first.digest, 2)
    assert (second.digest, second.rows) == (whole.digest, whole.rows) and whole.new_rows == 40
    assert held(place) == own_rows(40) and [at for at, _ in revision.records(place)][-1] == "line 40"


def test_a_file_that_was_edited_is_read_as_a_whole(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows(30))
    revision.pull(source(path), tmp_path / "a")
    write_jsonl(path, own_rows(35)[1:])
    found, place = revision.pull(source(path), tmp_path / "a")
    assert (found.new_rows, found.parent, held(place)) == (34, None, own_rows(35)[1:])


def test_a_file_that_ended_in_the_middle_of_a_line_is_read_as_a_whole(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows(30))
    path.write_bytes(path.read_bytes()[:-1])
    revision.pull(source(path), tmp_path / "a")
    path.write_bytes(path.read_bytes() + b"\n")
    append(path, own_rows(31)[30:])
    assert held(revision.pull(source(path), tmp_path / "a")[1]) == own_rows(31)


def test_nothing_new_is_the_same_revision(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows(30))
    assert revision.pull(source(path), tmp_path / "a") == revision.pull(source(path), tmp_path / "a")


def test_another_cleaning_is_another_revision_of_the_same_parts(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows(30))
    first, _ = revision.pull(source(path), tmp_path / "a")
    second, _ = revision.pull(source(path, cleaning={"data_class": "public"}), tmp_path / "a")
    assert first.digest != second.digest and (first.records, first.parts) == (second.records, second.parts)


def test_columns_get_our_names_and_bad_lines_keep_their_reason(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [{"body": "a", "label": "b", "extra": float("nan")}])
    path.write_bytes(path.read_bytes() + b"{half\n")
    _, place = revision.pull(source(path, columns={"source": "body", "target": "label"}), tmp_path / "a")
    assert list(revision.records(place)) == [("line 1", {"source": "a", "target": "b", "extra": None}), ("line 2", "not JSON")]


def test_an_altered_part_is_told_and_read_anew_by_the_next_pull(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows(30))
    found, place = revision.pull(source(path), tmp_path / "a")
    part = place.parent / "parts" / f"{found.parts[0]}.jsonl"
    part.write_text(part.read_text().replace("red", "rot"))
    with pytest.raises(UsageError, match="was altered"):
        held(place)
    append(path, own_rows(31)[30:])
    assert held(revision.pull(source(path), tmp_path / "a")[1]) == own_rows(31)


def test_an_edited_revision_is_refused(tmp_path: Path) -> None:
    _, place = revision.pull(source(write_jsonl(tmp_path / "rows.jsonl", own_rows(30))), tmp_path / "a")
    place.write_text(place.read_text().replace('"personal"', '"public"'))
    with pytest.raises(UsageError, match="the revision cannot be used"):
        held(place)


def test_a_pull_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows(30))
    _, place = revision.pull(source(path), tmp_path / "a")
    append(path, own_rows(31)[30:])
    monkeypatch.setattr(revision.os, "fsync", full)
    with pytest.raises(Fault, match="could not be written"):
        revision.pull(source(path), tmp_path / "a")
    assert held(place) == own_rows(30) and not list((tmp_path / "a").rglob(".new.*"))


def full(handle: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_source_file_says_what_to_read_from_its_own_folder(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", own_rows(3))
    path = tmp_path / "colours.source.yaml"
    path.write_text(yaml.safe_dump({"name": "colours", "address": "rows.jsonl", "cleaning": {"languages": ["en"]}}))
    found = description.read(path)
    assert (found.address, found.kind, found.cleaning.languages) == (str(tmp_path / "rows.jsonl"), "file", ("en",))


def test_names_may_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("Aisha Khan\n\nمحمد أحمد\n")
    path = tmp_path / "a.source.yaml"
    path.write_text(yaml.safe_dump({"name": "a", "address": "x.jsonl", "cleaning": {"names": "names.txt"}}))
    assert description.read(path).cleaning.names == ("Aisha Khan", "محمد أحمد")
    (tmp_path / "names.txt").unlink()
    with pytest.raises(UsageError, match="there is no such file") as caught:
        description.read(path)
    assert caught.value.given == str(tmp_path / "names.txt")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"name": "a", "address": "x.jsonl", "licence_": "x"}, "licence_: Extra inputs"),
        ({"name": "A b", "address": "x.jsonl"}, "name: String should match"),
        ({"name": "a", "address": "postgresql://me:secret@host/db", "table": "t", "order": "id"}, "a password stands in the address"),
        ({"name": "a", "address": "postgresql:///db", "table": "t"}, "in an order"),
        ({"name": "a", "address": "postgresql:///db", "table": "t", "query": "q", "order": "id"}, "by table or query"),
        ({"name": "a", "address": "x.jsonl", "columns": {"text": "body"}}, "text is none of our columns"),
        ({"name": "a", "address": "x.jsonl", "cleaning": {"pii": "keep"}}, "pii: keep needs a reason"),
        (["a"], "it holds no mapping"),
    ],
)
def test_a_source_file_that_cannot_be_used_says_why(tmp_path: Path, value: Any, says: str) -> None:
    path = tmp_path / "a.source.yaml"
    path.write_text(yaml.safe_dump(value))
    with pytest.raises(UsageError) as caught:
        description.read(path)
    assert says in str(caught.value) and "secret" not in str(caught.value)
