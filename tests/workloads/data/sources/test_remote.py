"""S3, PostgreSQL and `datasets` as sources, each real but for the hub; and what is said when they are away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from falaj.errors import Fault, UsageError
from tests.workloads.data.conftest import BUCKET
from tests.workloads.serve import postgres
from tests.workloads.small import own_rows, write_jsonl
from workloads.data.sources import revision
from workloads.data.sources.description import Description


def held(source: Description, folder: Path) -> list[Any]:
    return [row for _, row in revision.records(revision.pull(source, folder, base=folder)[1])]


def test_an_object_is_read_and_read_on_when_it_grew(tmp_path: Path, s3: Any) -> None:
    source = Description(name="colours", address=f"s3://{BUCKET}/in/rows.jsonl")
    s3.upload_file(str(write_jsonl(tmp_path / "rows.jsonl", own_rows(30))), BUCKET, "in/rows.jsonl")
    first, _ = revision.pull(source, tmp_path / "a")
    s3.upload_file(str(write_jsonl(tmp_path / "rows.jsonl", own_rows(40))), BUCKET, "in/rows.jsonl")
    second, _ = revision.pull(source, tmp_path / "a")
    assert (first.rows, second.rows, second.new_rows) == (30, 40, 10)
    assert second.digest == revision.pull(source, tmp_path / "b")[0].digest and not list(tmp_path.rglob(".object.*"))


def test_an_object_is_read_in_the_version_that_is_named(tmp_path: Path, s3: Any) -> None:
    pq.write_table(pa.Table.from_pylist(own_rows(5)), tmp_path / "rows.parquet")
    version = s3.put_object(Bucket=BUCKET, Key="rows.parquet", Body=(tmp_path / "rows.parquet").read_bytes())["VersionId"]
    s3.put_object(Bucket=BUCKET, Key="rows.parquet", Body=b"other")
    assert held(Description(name="colours", address=f"s3://{BUCKET}/rows.parquet", revision=version), tmp_path) == own_rows(5)


@pytest.mark.parametrize(("address", "says"), [(f"s3://{BUCKET}/none.jsonl", "NoSuchKey"), ("s3://no-such-bucket/a.jsonl", "NoSuchBucket")])
def test_an_object_that_is_not_there_is_named(tmp_path: Path, s3: Any, address: str, says: str) -> None:
    with pytest.raises(UsageError, match="the object cannot be read") as caught:
        held(Description(name="colours", address=address), tmp_path)
    assert says in str(caught.value) and address in str(caught.value)


def test_an_object_of_another_kind_is_refused_before_it_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="that object cannot be read"):
        held(Description(name="colours", address=f"s3://{BUCKET}/rows.zip"), tmp_path)


def test_s3_that_is_down_leaves_the_last_revision_as_it_is(tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Description(name="colours", address=f"s3://{BUCKET}/rows.jsonl")
    s3.upload_file(str(write_jsonl(tmp_path / "rows.jsonl", own_rows(30))), BUCKET, "rows.jsonl")
    _, place = revision.pull(source, tmp_path / "a")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Fault, match="S3 does not answer"):
        revision.pull(source, tmp_path / "a")
    assert len(list(revision.records(place))) == 30 and not list(tmp_path.rglob(".object.*"))


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of a database with 5,000 tickets."""
    with postgres.running() as address:
        with psycopg.connect(address) as connection:
            connection.execute("CREATE TABLE tickets (id int, body text, label text, opened date, cost numeric)")
            connection.execute("INSERT INTO tickets SELECT n, 'ticket ' || n, CASE n % 2 WHEN 0 THEN 'yes' ELSE 'no' END, '2026-01-01', 1.50 FROM generate_series(1, 5000) n")  # fmt: skip # noqa: E501
        yield address


def tickets(address: str, **changes: Any) -> Description:
    values: dict[str, Any] = {"name": "tickets", "address": address, "table": "tickets", "order": "id", "columns": {"source": "body", "target": "label"}}
    return Description(**(values | changes))


def test_a_table_is_read_in_order_and_only_what_is_new_is_read_again(tmp_path: Path, database: str) -> None:
    first, place = revision.pull(tickets(database), tmp_path / "a")
    row = {"id": 1, "source": "ticket 1", "target": "no", "opened": "2026-01-01", "cost": "1.50"}
    assert (first.rows, next(iter(revision.records(place)))) == (5000, ("row 1", row))
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO tickets VALUES (5001, 'one more', 'yes'), (NULL, 'without a number', 'no')")
    try:
        second, place = revision.pull(tickets(database), tmp_path / "a")
        whole, _ = revision.pull(tickets(database), tmp_path / "b")
    finally:
        with psycopg.connect(database) as connection:
            connection.execute("DELETE FROM tickets WHERE id > 5000 OR id IS NULL")
    assert (second.new_rows, second.rows, whole.rows) == (1, 5001, 5002)
    assert [at for at, _ in revision.records(place)][-1] == "row 5001"
    # A row that no order can tell as new is put aside by a whole reading, and not seen by one that goes on.
    assert second.parent == first.digest and whole.parent is None


def test_a_query_is_read_like_a_table(tmp_path: Path, database: str) -> None:
    source = tickets(database, table=None, query="SELECT id, body, label FROM tickets WHERE id <= 3")
    assert held(source, tmp_path) == [{"id": n, "source": f"ticket {n}", "target": "yes" if n % 2 == 0 else "no"} for n in (1, 2, 3)]


REFUSED: list[dict[str, Any]] = [
    {"table": "none"},
    {"order": "none"},
    {"table": None, "query": "DROP TABLE tickets"},
    {"table": None, "query": "SELECT 1) AS a; DROP TABLE tickets; --"},
]


@pytest.mark.parametrize("changes", REFUSED)
def test_what_the_database_refuses_is_told_and_nothing_is_written(tmp_path: Path, database: str, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="the database refuses the query"):
        held(tickets(database, **changes), tmp_path)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM tickets").fetchone() == (5000,)


def test_a_query_that_writes_is_refused_by_the_database(tmp_path: Path, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("CREATE OR REPLACE FUNCTION spoil() RETURNS int LANGUAGE sql AS 'DELETE FROM tickets; SELECT 1'")
    with pytest.raises(UsageError, match="the database refuses the query") as caught:
        held(tickets(database, table=None, query="SELECT spoil() AS id"), tmp_path)
    assert "read-only transaction" in str(caught.value)


def test_a_database_that_is_away_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="the database does not answer"):
        held(tickets("postgresql:///db?host=/nonexistent"), tmp_path)


def test_a_folder_that_datasets_saved_is_read_with_the_names_of_its_labels(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["cold", "warm"])})
    made = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)
    datasets.DatasetDict({"train": made}).save_to_disk(str(tmp_path / "saved"))
    source = Description(name="colours", address="datasets:saved", columns={"source": "text", "target": "label"})
    assert held(source, tmp_path) == [{"source": "a", "target": "warm"}, {"source": "b", "target": "cold"}, {"source": "c", "target": None}]
    with pytest.raises(UsageError, match="that data set cannot be read"):
        held(source.model_copy(update={"split": "none"}), tmp_path)


def test_a_hub_that_cannot_be_reached_is_a_fault_that_names_the_ways_around_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import config

    monkeypatch.setattr(config, "HF_HUB_OFFLINE", True)
    with pytest.raises(Fault, match="the data set cannot be had") as caught:
        held(Description(name="colours", address="datasets:nobody/has-this"), tmp_path)
    assert "save_to_disk" in str(caught.value)
