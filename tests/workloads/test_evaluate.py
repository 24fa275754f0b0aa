from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falaj.canonical import digest_file
from falaj.errors import UsageError
from tests.workloads.small import spoil
from workloads.artifacts import finish, open_artifact
from workloads.evaluate import clean_test, evaluate, judged_rows
from workloads.evaluation import tracked
from workloads.evaluation.contamination import ContaminatedTestSet
from workloads.prepare import open_dataset
from workloads.release import POINTER, seal, signing_key_file
from workloads.store import Store


def candidate_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "evaluate" / "candidate.json").read_text())


def test_a_candidate_says_what_the_gate_must_know(finished_run: Path) -> None:
    candidate = candidate_of(finished_run)
    assert (candidate["schema"], candidate["run"]) == ("falaj.candidate/1", "happy")
    assert candidate["evaluation"]["tasks"] == {
        task: {"metric": metric, "rows": 40} for task, metric in (("language", "accuracy"), ("section", "accuracy"), ("summarize", "rougeL"))
    }
    assert set(candidate["evaluation"]["models"]) == {"full", "int8", "seed"}
    assert set(candidate["evaluation"]["baselines"]["majority"]) == {"language", "section"} and set(candidate["evaluation"]["baselines"]["lead8"]) == {
        "summarize"
    }
    assert candidate["base_model"]["name"] == "seed" and candidate["base_model"]["licence"] == "Apache-2.0"
    assert candidate["data"]["digest"] == open_dataset(finished_run).card["digest"]
    assert candidate["data"]["card_digest"] == digest_file(finished_run / "prepare" / "data_card.json")
    assert candidate["code"]["commit"] == "0" * 40


def test_every_file_of_a_candidate_is_there_with_that_digest(finished_run: Path) -> None:
    models = candidate_of(finished_run)["models"]
    assert {name: about["format"] for name, about in models.items()} == {"full": "safetensors", "int8": "onnx"}
    for about in models.values():
        assert about["files"] and {name: digest_file(finished_run / name) for name in about["files"]} == about["files"]
        assert about["bytes"] == sum((finished_run / name).stat().st_size for name in about["files"])


def test_a_model_that_was_not_changed_scores_what_the_seed_scores(finished_run: Path) -> None:
    models = candidate_of(finished_run)["evaluation"]["models"]
    assert models["full"] == models["seed"] and models["full"]["section"]["accuracy"] > 0.4 and models["seed"]["language"]["accuracy"] < 0.1


def test_scores_lie_in_their_intervals(finished_run: Path) -> None:
    for tasks in candidate_of(finished_run)["evaluation"]["models"].values():
        for task, metric in (("section", "accuracy"), ("summarize", "rougeL")):
            found = tasks[task]
            assert 0 <= found[f"{metric}_low"] <= found[metric] <= found[f"{metric}_high"] <= 1


def release_rule(candidate: dict[str, Any], run: Path, rule: str) -> Any:
    from infra.pipeline.gate import judge_release

    observed = {name: digest_file(run / name) for about in candidate["models"].values() for name in about["files"]}
    decision = judge_release(candidate, observed, "local", "2026-01-02T12:00:00Z")
    return decision, next(result for result in decision.rules if result.rule.endswith(rule))


def test_int8_that_loses_nothing_passes(finished_run: Path) -> None:
    candidate = candidate_of(finished_run)
    candidate["evaluation"]["models"]["int8"] = candidate["evaluation"]["models"]["full"]
    _, found = release_rule(candidate, finished_run, "compression_loss")
    assert "int8/section" in found.judged and not found.fail


def test_a_spoiled_int8_model_is_denied(run: Path) -> None:
    compressed = open_artifact(run / "compress")
    spoil(run / "compress" / "int8")
    finish(compressed.folder, compressed.schema, inputs=compressed.inputs, parameters=compressed.parameters)
    evaluate(run)
    decision, found = release_rule(candidate_of(run), run, "compression_loss")
    assert decision.verdict == "denied" and {"int8/section", "int8/summarize"} <= set(found.fail)
    loss = json.loads((run / "evaluate" / "eval.json").read_text())["loss"]
    assert loss["section"] > 0.2 and loss["summarize"] > 0.2


def test_an_altered_model_file_is_not_evaluated(run: Path) -> None:
    spoil(run / "compress" / "int8")
    with pytest.raises(UsageError, match="int8/weights.safetensors was altered"):
        evaluate(run)


def test_a_compressed_model_of_another_training_is_refused(run: Path) -> None:
    compressed = open_artifact(run / "compress")
    finish(compressed.folder, compressed.schema, inputs={**compressed.inputs, "train": "sha256:other"}, parameters=compressed.parameters)
    with pytest.raises(UsageError, match="not made from this run's trained one"):
        evaluate(run)


def test_the_same_models_are_not_evaluated_twice(run: Path) -> None:
    before = (run / "evaluate" / "manifest.json").stat().st_mtime_ns
    evaluate(run)
    assert (run / "evaluate" / "manifest.json").stat().st_mtime_ns == before


def test_a_test_row_that_was_trained_on_is_refused(finished_run: Path) -> None:
    data = open_dataset(finished_run)
    clean_test(data)
    row = data.rows["test"][0]
    for seen in (replace(data.rows["train"][0], group=row.group), replace(row, group="another", source=row.source.upper() + " 2.0")):
        with pytest.raises(ContaminatedTestSet, match="was trained on"):
            clean_test(replace(data, rows={**data.rows, "train": [*data.rows["train"], seen]}))


def test_a_test_row_that_is_nearly_a_training_row_is_not_judged_and_named(finished_run: Path) -> None:
    data = open_dataset(finished_run)
    row = max(data.rows["test"], key=lambda row: len(row.source))
    copy = replace(row, id="copy", group="another", source=row.source + " really")
    left, found = clean_test(replace(data, rows={**data.rows, "train": [*data.rows["train"], copy]}))
    assert left == [other for other in data.rows["test"] if other.id != row.id]
    named = [{key: each[key] for key in ("task", "test", "train")} for each in found["rows"]]
    assert (found["same"], found["near"], named) == (0, 1, [{"task": row.task, "test": row.id, "train": "copy"}])


def test_the_judged_rows_are_the_same_however_the_file_is_ordered(finished_run: Path) -> None:
    rows = open_dataset(finished_run).rows["test"]
    assert judged_rows(rows, 7) == judged_rows(rows[::-1], 7) and all(len(found) == 7 for found in judged_rows(rows, 7).values())


def test_a_report_says_how_each_label_fares_and_how_sure_the_model_is(finished_run: Path) -> None:
    report = json.loads((finished_run / "evaluate" / "eval.json").read_text())
    for model in ("full", "int8"):
        for task in ("language", "section"):
            told, classes = report["calibration"][model][task], report["classes"][model][task]
            assert (told["of"], told["count"]) == ("answers", 40) and sum(bin["count"] for bin in told["bins"]) == 40
            assert told["right"] == pytest.approx(report["models"][model][task]["accuracy"]) and 0 <= told["ece"] <= 1 and 0 <= told["brier"] <= 1
            assert sum(about["rows"] for about in classes["labels"].values()) == 40
            assert classes["macro"]["f1"] == pytest.approx(report["models"][model][task]["macro_f1"])
        assert report["calibration"][model]["summarize"]["of"] == "tokens" and report["calibration"][model]["summarize"]["count"] > 100
    assert "seed" not in report["calibration"] and set(report["classes"]["seed"]) == {"language", "section"}


def test_the_plots_of_a_report_are_there_and_hold_text_that_can_be_read(finished_run: Path) -> None:
    report = json.loads((finished_run / "evaluate" / "eval.json").read_text())
    label = {"scores", "slices", "confusion", "reliability"}
    assert {task: set(kinds) for task, kinds in report["plots"].items()} == {"language": label, "section": label, "summarize": label - {"confusion"}}
    names = {name for kinds in report["plots"].values() for name in kinds.values()}
    assert {path.name for path in (finished_run / "evaluate" / "plots").iterdir()} == names
    assert "section: int8, rows by target and answer" in (finished_run / "evaluate" / "plots" / report["plots"]["section"]["confusion"]).read_text()


def test_mlflow_is_told_each_score_and_given_the_plots_and_no_text_of_a_row(finished_run: Path) -> None:
    report = json.loads((finished_run / "evaluate" / "eval.json").read_text())
    entry = tracked.entry_of(report, {"data": "sha256:1"}, "c0ffee", now=5.0)
    told = {name: points[0][2] for name, points in entry.metrics.items()}
    assert told["int8.section.macro_f1"] == report["models"]["int8"]["section"]["macro_f1"] and told["full.summarize.chrf_low"] <= told["full.summarize.chrf"]
    assert told["calibration.int8.section.ece"] == report["calibration"]["int8"]["section"]["ece"] and told["contamination.near"] == 0
    assert entry.tags == {
        "stage": "evaluate", "falaj_run": "happy", "commit": "c0ffee", "data": "sha256:1", "compared_with": "there is no place for releases",
    }  # fmt: skip
    files = tracked.files_of(report, finished_run / "evaluate" / "plots")
    assert len(files) == 11 and all(path.is_file() for path in files.values())
    assert not any(example["source"] in json.dumps(entry.to_json()) for example in report["examples"])


def test_a_first_run_says_that_there_is_nothing_to_compare_with(finished_run: Path) -> None:
    assert candidate_of(finished_run)["evaluation"]["current"] == {"compared": False, "why": "there is no place for releases"}


def served(run: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make the run's own INT8 model the current release of a fresh store; returns its digest."""
    folder = scratch / "sealed" / "v1"
    shutil.copytree(run / "compress" / "int8", folder / "model")
    release = seal(folder, {"version": "v1", "run": "earlier", "data": open_dataset(run).card["digest"]}, signing_key_file())
    store = Store.open(scratch / "releases")
    store.put_folder(folder, "v1", last="release.json")
    store.put_json(POINTER, {"version": "v1", "previous": None, "digest": release.digest})
    monkeypatch.setenv("FALAJ_RELEASES", str(scratch / "releases"))
    return release.digest


def evaluated_again(run: Path) -> dict[str, Any]:
    """What the candidate says of the current release when it is evaluated anew."""
    shutil.rmtree(run / "evaluate")
    evaluate(run)
    return candidate_of(run)["evaluation"]["current"]


def test_the_same_model_as_the_current_release_is_not_called_better(run: Path, falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = served(run, tmp_path, monkeypatch)
    current = evaluated_again(run)
    assert {name: current[name] for name in ("compared", "version", "digest", "same_data")} == {
        "compared": True, "version": "v1", "digest": found, "same_data": True,
    }  # fmt: skip
    same = {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "p_corrected": 1.0, "verdict": "no difference seen"}
    assert {task: {name: told[name] for name in same} for task, told in current["tasks"].items()} == dict.fromkeys(("language", "section", "summarize"), same)


def test_a_candidate_that_is_worse_than_the_current_release_is_told_so(run: Path, falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served(run, tmp_path, monkeypatch)
    compressed = open_artifact(run / "compress")
    spoil(run / "compress" / "int8")
    finish(compressed.folder, compressed.schema, inputs=compressed.inputs, parameters=compressed.parameters)
    tasks = evaluated_again(run)["tasks"]
    assert {task: tasks[task]["verdict"] for task in ("section", "summarize")} == {"section": "worse", "summarize": "worse"}
    assert tasks["section"]["high"] < 0 and tasks["section"]["p_corrected"] < 0.01


def test_a_release_that_was_altered_is_not_compared_with_and_the_reason_stays(
    run: Path, falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(run, tmp_path, monkeypatch)
    (tmp_path / "releases" / "v1" / "model" / "config.json").write_text("{}")
    current = evaluated_again(run)
    assert current["compared"] is False and "config.json was altered" in current["why"]


def test_what_a_run_writes_of_itself_satisfies_the_rules_but_for_an_owner_nobody_named(finished_run: Path) -> None:
    from infra.pipeline.gate import judge_release

    candidate = candidate_of(finished_run)
    names = [*candidate["documents"], candidate["data"]["erasure"]["file"]]
    decision = judge_release(candidate, {name: digest_file(finished_run / name) for name in names}, "local", "2026-01-02T12:00:00Z")
    wanted = {"model_card_complete", "ml_bom_complete", "drift_reference", "erasure_map"}
    found = {result.rule: {**result.fail, **result.unknown} for result in decision.rules if result.rule in wanted}
    assert found == {**dict.fromkeys(wanted, {}), "model_card_complete": {"model card": ["it says nothing of owner"]}}
