from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from falaj.canonical import manifest
from falaj.errors import Fault, UsageError
from tests.workloads.small import LONG, own_rows, tiny_model, write_jsonl
from workloads.data import debian, tracked
from workloads.prepare import open_dataset, prepare


@pytest.fixture(autouse=True)
def sample(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FALAJ_DATA_BUCKET", "FALAJ_DATA_REMOTE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FALAJ_DATA_SOURCE", "sample")


def test_the_sample_becomes_three_tasks_in_three_splits(tmp_path: Path) -> None:
    prepare(tmp_path / "r", recipe="smoke")
    data = open_dataset(tmp_path / "r")
    assert data.tasks == ["language", "section", "summarize"]
    assert data.card["rows"] == {split: len(rows) for split, rows in data.rows.items()}
    assert data.card["read"] == data.card["used"] + data.card["put_aside"] == sum(data.card["rows"].values()) + sum(data.card["quarantine"].values())
    assert all(row.source.startswith(f"{row.task}: ") for rows in data.rows.values() for row in rows)
    card = data.artifact.path("data_card.md").read_text()
    assert "debian-sample" in card and "Not tracked" in card


def test_the_same_source_gives_the_same_data_and_is_not_prepared_twice(tmp_path: Path) -> None:
    first = prepare(tmp_path / "a", recipe="smoke")
    assert prepare(tmp_path / "b", recipe="smoke").digest == first.digest
    before = (first.folder / "manifest.json").stat().st_mtime_ns
    prepare(tmp_path / "a", recipe="smoke")
    assert (first.folder / "manifest.json").stat().st_mtime_ns == before


def test_a_users_file_takes_the_same_road(tmp_path: Path) -> None:
    rows = [*own_rows(), {"source": "colour: red " + LONG * 5, "target": "warm"}, {"source": "", "target": "cold"}]
    prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", rows), recipe="smoke")
    card = open_dataset(tmp_path / "r").card
    assert (card["name"], card["tasks"]) == ("mine", {"own": {"train": 140, "validation": 50, "test": 50}}) or card["used"] == 241
    assert (card["read"], card["used"], card["quarantine"]) == (242, 241, {"empty": 1})
    assert card["sources"][0]["licence"] == "unknown" and card["sources"][0]["digest"].startswith("sha256:")


def test_sources_longer_than_the_model_reads_are_counted(tmp_path: Path) -> None:
    rows = [*own_rows(), *({"source": f"colour: red {number} " + LONG * 5, "target": "warm"} for number in range(3))]
    short, long = write_jsonl(tmp_path / "short.jsonl", own_rows()), write_jsonl(tmp_path / "long.jsonl", rows)
    prepare(tmp_path / "a", data=short, recipe="smoke")
    prepare(tmp_path / "b", data=long, recipe="smoke")
    lengths = [open_dataset(tmp_path / run).card["lengths"] for run in "ab"]
    assert [(found["limit"], found["truncated"]) for found in lengths] == [(48, 0), (48, 3)]


def test_rows_that_differ_in_numbers_only_stay_together_and_none_is_lost(tmp_path: Path) -> None:
    rows = [{"source": f"{own['source']} item {number}", "target": own["target"]} for own in own_rows(120) for number in range(3)]
    prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", rows), recipe="smoke")
    data = open_dataset(tmp_path / "r")
    assert (data.card["used"], data.card["quarantine"]) == (360, {})


def test_groups_that_leave_too_few_rows_to_judge_by_are_refused_before_training(tmp_path: Path) -> None:
    rows = [{"source": f"{own_rows(4)[number % 4]['source']} {number}", "target": "warm", "group": str(number)} for number in range(300)]
    with pytest.raises(UsageError, match="too few distinct rows") as caught:
        prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", rows), recipe="smoke")
    assert caught.value.exit_code == 2


def test_indices_that_lack_descriptions_fall_back_to_the_sample_and_the_card_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_DATA_SOURCE", "auto")
    prepare(tmp_path / "r", recipe="smoke", lists=tmp_path)
    card = open_dataset(tmp_path / "r").card
    assert card["sources"][0]["name"] == "debian-sample" and "there are no Debian package indices" in card["about"]


def test_indices_are_preferred_where_they_are_present(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_DATA_SOURCE", "auto")
    packages, _ = debian.from_sample(debian.Quarantine())
    records = [
        f"Package: {one.name}\nSource: {one.group}\nSection: {one.section}\nDescription: {one.synopsis}\n {one.description}\n"
        + (f"Tag: implemented-in::{one.language}\n" if one.language else "")
        for one in packages
    ]
    (tmp_path / "mirror_debian_dists_trixie_main_binary-amd64_Packages").write_text("\n".join(records))
    prepare(tmp_path / "r", recipe="smoke", lists=tmp_path)
    source = open_dataset(tmp_path / "r").card["sources"][0]
    assert (source["name"], source["uri"]) == ("debian-indices", "debian:trixie/main")


def test_asking_for_indices_that_are_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_DATA_SOURCE", "indices")
    with pytest.raises(UsageError, match="package indices cannot be used"):
        prepare(tmp_path / "r", recipe="smoke", lists=tmp_path)
    monkeypatch.setenv("FALAJ_DATA_SOURCE", "web")
    with pytest.raises(UsageError, match="no such data source"):
        prepare(tmp_path / "r", recipe="smoke")


def test_rows_put_aside_are_named_also_where_too_few_are_left(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too few usable rows"):
        prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", [*own_rows(30), {"source": "", "target": "x"}]), recipe="smoke")
    assert (tmp_path / "r" / "prepare" / "quarantine.jsonl").read_text() == '{"reason": "empty", "row": "line 31"}\n'


def test_a_task_with_one_answer_is_refused_before_training(tmp_path: Path) -> None:
    rows = [{**row, "target": "warm", "task": "colours"} for row in own_rows()]
    with pytest.raises(UsageError, match="a task has one answer only") as caught:
        prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", rows), recipe="smoke")
    assert caught.value.given == "colours"


def test_when_every_source_is_too_long_for_the_model_the_run_ends_with_a_report(tmp_path: Path) -> None:
    rows = [{**row, "source": row["source"] + f" {LONG}" * 3} for row in own_rows()]
    with pytest.raises(UsageError, match="the base model's tokenizer does not suit the data") as caught:
        prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", rows), recipe="smoke")
    out = tmp_path / "r" / "prepare"
    said = "sources, English: 100.0% of the texts are longer than the model is given (48 tokens), at most 95.0% may be"
    assert (caught.value.exit_code, caught.value.given) == (2, said)
    assert f"all figures: {out / 'tokens.html'}" in (caught.value.next or "") and not (out / "manifest.json").exists()
    assert json.loads((out / "tokens.json").read_text())["past_limits"] == [said] and said in (out / "tokens.html").read_text()


def test_arabic_that_the_base_model_cannot_read_is_told_before_training(tmp_path: Path) -> None:
    rows = [*own_rows(), *({"source": f"ما هو موضوع هذه الرسالة القصيرة رقم {number}", "target": "شكوى"} for number in range(60))]
    with pytest.raises(UsageError, match="the base model's tokenizer does not suit the data") as caught:
        prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", rows), recipe="smoke")
    said = json.loads((tmp_path / "r" / "prepare" / "tokens.json").read_text())
    assert (caught.value.given or "").replace("\n           ", "|") == "|".join(said["past_limits"])
    assert [line.partition(":")[0] for line in said["past_limits"]] == ["sources, Arabic", "targets, Arabic"]
    assert "take a base model for these languages" in (caught.value.next or "")
    unknown = {(each["kind"], each["language"]): each["shares"]["unknown"] for each in said["texts"]}
    assert unknown["target", "ar"] == 1.0 and unknown["source", "ar"] > 0.9 and unknown["source", "en"] == 0.0


def test_a_tokenizer_of_another_model_is_refused_before_any_row_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_BASE_MODEL", str(tiny_model(tmp_path / "base", vocab_size=5000)))
    with pytest.raises(UsageError, match="the tokenizer is another model's") as caught:
        prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", own_rows()), recipe="flan_t5_base")
    assert caught.value.given == f"{tmp_path / 'base'}: 6000 tokens, 5000 rows of weights" and not (tmp_path / "r").exists()


def test_when_every_source_is_longer_than_its_data_may_be_nothing_is_left_to_use(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "mine.jsonl", own_rows())
    (tmp_path / "mine.source.yaml").write_text("name: mine\naddress: mine.jsonl\ncleaning: {longest: 20}\n")
    with pytest.raises(UsageError, match="too few usable rows") as caught:
        prepare(tmp_path / "runs" / "r", data=tmp_path / "mine.source.yaml", recipe="smoke")
    assert caught.value.given == "mine: 0 usable of 240 (240 longer than 20 characters)"


def test_a_described_source_is_pulled_cleaned_its_way_and_named_by_its_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FALAJ_WORK", raising=False)
    write_jsonl(tmp_path / "mine.jsonl", [{"body": row["source"] + f" me{number}@example.ae", "kind": row["target"]} for number, row in enumerate(own_rows())])
    (tmp_path / "mine.source.yaml").write_text("name: mine\naddress: mine.jsonl\nlicence: CC0-1.0\ncolumns: {source: body, target: kind}\n")
    artifact = prepare(tmp_path / "runs" / "r", data=tmp_path / "mine.source.yaml", recipe="smoke")
    data = open_dataset(tmp_path / "runs" / "r")
    assert data.card["personal_data"] == {"handling": "mask", "found": {"email": 240}}
    assert all(row.source.endswith("[EMAIL]") for rows in data.rows.values() for row in rows)
    assert (data.card["sources"][0]["licence"], data.card["sources"][0]["uri"], data.card["used"]) == ("CC0-1.0", "file:mine", 240)
    changes = [json.loads(line) for line in artifact.path("changes.jsonl").read_text().splitlines()]
    assert len(changes) == 240 and changes[0]["changed"] == {"email": 1}
    assert prepare(tmp_path / "runs" / "r", data=tmp_path / "mine.source.yaml", recipe="smoke").created == artifact.created


def test_the_report_is_a_page_that_shows_no_text_of_a_row_and_runs_no_script(tmp_path: Path) -> None:
    rows = [{**row, "task": "<script>alert(1)</script>"} for row in own_rows()]
    artifact = prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", rows), recipe="smoke")
    page = artifact.path("report.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page and LONG not in page and "http" not in page
    assert json.loads(artifact.path("report.json").read_text())["balance"]["<script>alert(1)</script>"]["frequent"] == {"warm": 160, "cold": 80}


def test_a_full_disk_ends_with_a_fault_and_leaves_no_artifact(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "mine.jsonl", own_rows(500))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        with pytest.raises(Fault, match="could not be written|could not be kept on disk") as caught:
            prepare(tmp_path / "r", data=path, recipe="smoke")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "free some disk space" in str(caught.value)
    assert not (tmp_path / "r" / "prepare" / "manifest.json").exists() and not list((tmp_path / "r").rglob("*.spool"))
    assert prepare(tmp_path / "r", data=path, recipe="smoke").metrics["rows"]["train"] == 400


def test_an_altered_row_is_noticed_by_the_next_stage(tmp_path: Path) -> None:
    prepare(tmp_path / "r", recipe="smoke")
    path = tmp_path / "r" / "prepare" / "train.jsonl"
    path.write_text(path.read_text().replace("perl", "ruby", 1))
    with pytest.raises(UsageError, match="train.jsonl was altered"):
        open_dataset(tmp_path / "r")


def test_tracked_data_comes_back_from_its_remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_DATA_REMOTE", str(tmp_path / "remote"))
    artifact = prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", own_rows()), recipe="smoke")
    pointer = artifact.path(tracked.POINTER).read_text()
    restored = tracked.restore(pointer, tmp_path / "elsewhere", str(tmp_path / "remote"))
    files = {name: found for name, found in artifact.files.items() if name != tracked.POINTER}
    assert manifest(restored) == files and "remote" in json.loads(artifact.path("data_card.json").read_text())["tracked"]
    with pytest.raises(UsageError, match="could not be restored"):
        tracked.restore(pointer, tmp_path / "third", str(tmp_path / "empty"))


def test_a_run_that_is_prepared_from_other_rows_is_tracked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of git, as most work volumes are."""
    monkeypatch.setenv("FALAJ_DATA_REMOTE", str(tmp_path / "remote"))
    pointers = [
        prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", own_rows(number)), recipe="smoke").path(tracked.POINTER).read_text()
        for number in (240, 250)
    ]
    assert pointers[0] != pointers[1]


def test_the_bucket_is_the_remote_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tracked.remote() is None
    monkeypatch.setenv("FALAJ_DATA_BUCKET", "falaj-local-data")
    assert tracked.remote() == "s3://falaj-local-data/dvc"
    monkeypatch.setenv("FALAJ_DATA_REMOTE", "/mnt/data")
    assert tracked.remote() == "/mnt/data"
