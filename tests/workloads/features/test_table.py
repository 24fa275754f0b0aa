"""The feature table: what a live request logs, what training reads, and nothing of a row's text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from falaj.canonical import digest_file
from tests.workloads.small import LONG, own_rows, write_jsonl
from workloads import reference
from workloads.features.definitions import FEATURES
from workloads.features.table import FILE, schema
from workloads.prepare import open_dataset, prepare
from workloads.recipes import base_folder, recipe_named
from workloads.serve.releases import tokenizer
from workloads.tokens.agreement import own_tokenizer
from workloads.tokens.measure import Measure

ARABIC = "ما هو موضوع هذه الرسالة القصيرة من العميل"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose rows have a task, three of them long and nearly the same. Read only."""
    folder = tmp_path_factory.mktemp("features")
    rows: list[dict[str, Any]] = [{**row, "task": "colour", "id": f"r{number}", "group": f"g{number}"} for number, row in enumerate(own_rows())]
    many = f"colour: {LONG} {' '.join(f'word{chr(97 + n % 26)}{chr(97 + n // 26)}' for n in range(90))}"
    rows += [{"source": f"{many} {end}", "target": "warm", "id": end, "task": "colour", "group": "long"} for end in ("first", "second", "third")]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FALAJ_DATA_REMOTE", "FALAJ_DATA_BUCKET", "FALAJ_FEATURE_STORE"):
            patch.delenv(name, raising=False)
        prepare(folder / "r", data=write_jsonl(folder / "mine.jsonl", rows), recipe="smoke")
    return folder


def features(run: Path) -> dict[str, dict[str, Any]]:
    return {row["row"]: row for row in parquet.read_table(run / "prepare" / FILE).to_pylist()}


def test_a_row_has_the_values_that_a_request_with_its_text_logs(made: Path) -> None:
    data, found = open_dataset(made / "r"), features(made / "r")
    rows = [row for split in data.rows.values() for row in split]
    labels = reference.known_labels([(row.task, row.source, row.target) for row in data.rows["validation"]])
    count = tokenizer(base_folder(recipe_named("smoke")))
    for row in rows:
        logged = reference.features(row.source, row.target, found[row.id]["target_tokens"], labels=labels, tokenize=count)
        kept = found[row.id]
        assert {name: kept[name] for name in ("task", "label", "words", "tokens", "unknown")} == {
            name: value for name, value in logged.items() if name not in ("buckets", "output_tokens")
        }
        assert {str(bucket): number for bucket, number in enumerate(kept["vocabulary"]) if number} == logged["buckets"]
    assert set(found) == {row.id for row in rows} and found["r0"]["label"] == "colour:cold"


def test_what_training_reads_is_told_of_every_row(made: Path) -> None:
    data, found = open_dataset(made / "r"), features(made / "r")
    own = own_tokenizer(base_folder(recipe_named("smoke")), most_unused=10_000).tokenizer
    for split, rows in data.rows.items():
        for row in rows:
            kept, read = found[row.id], len(own.encode(row.source).ids)
            assert (kept["split"], kept["characters"], kept["input_tokens"], kept["cut"]) == (split, len(row.source), read, read > 48)
            assert (kept["language"], kept["script"]) == ("en", "latin")
    assert found["first"]["cut"] and sum(row["cut"] for row in found.values()) == data.card["lengths"]["truncated"]


def test_near_copies_are_counted_for_each_of_them(made: Path) -> None:
    counts = {id: row["near_copies"] for id, row in features(made / "r").items()}
    assert {id: number for id, number in counts.items() if number} == {"first": 2, "second": 2, "third": 2}


def test_the_same_rows_give_the_same_table_and_no_text_is_in_it(made: Path, tmp_path: Path) -> None:
    prepare(tmp_path / "again", data=made / "mine.jsonl", recipe="smoke", track=False)
    assert digest_file(tmp_path / "again" / "prepare" / FILE) == digest_file(made / "r" / "prepare" / FILE)
    assert parquet.read_schema(made / "r" / "prepare" / FILE).equals(schema())
    texts = {value for row in features(made / "r").values() for value in row.values() if isinstance(value, str)}
    assert not any("thing" in text or "description" in text for text in texts)
    assert [each.name for each in FEATURES if each.kind == "string"] == ["split", "task", "label", "language", "script"]


@pytest.mark.parametrize("text", ["colour: red and green", "colour:red and green", "colour:  red", "colour: ", f"colour: {ARABIC}"])
def test_tokens_after_a_tasks_name_are_those_of_the_rest_alone(text: str) -> None:
    own = own_tokenizer(base_folder(recipe_named("smoke")), most_unused=10_000).tokenizer
    rest = text.removeprefix("colour:")
    alone = own.encode(rest, add_special_tokens=False).ids
    measure = Measure(own, (48, 20))
    assert measure.after(own.encode(text), text, len("colour:")) == (len(alone), alone.count(own.token_to_id("<unk>")))
    assert measure.after(own.encode(text), text, 0) == (len(own.encode(text).ids) - 1, own.encode(text).ids.count(own.token_to_id("<unk>")))
