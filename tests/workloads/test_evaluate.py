from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from falaj.canonical import digest_file
from falaj.errors import UsageError
from tests.workloads.small import spoil
from workloads import scores
from workloads.artifacts import finish, open_artifact
from workloads.evaluate import ContaminatedTestSet, check_contamination, evaluate, judged_rows
from workloads.prepare import open_dataset


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
    check_contamination(data)
    row = data.rows["test"][0]
    for seen in (replace(data.rows["train"][0], group=row.group), replace(row, group="another", source=row.source.upper() + " 2.0")):
        with pytest.raises(ContaminatedTestSet, match="was trained on"):
            check_contamination(replace(data, rows={**data.rows, "train": [*data.rows["train"], seen]}))


def test_the_judged_rows_are_the_same_however_the_file_is_ordered(finished_run: Path) -> None:
    data = open_dataset(finished_run)
    turned = replace(data, rows={**data.rows, "test": data.rows["test"][::-1]})
    assert judged_rows(data, 7) == judged_rows(turned, 7) and all(len(rows) == 7 for rows in judged_rows(data, 7).values())


@pytest.mark.parametrize(("targets", "metric"), [(["a", "b"] * 5, "accuracy"), ([f"text {n}" for n in range(90)], "rougeL"), (["a", "b", "c"], "rougeL")])
def test_a_task_is_scored_by_accuracy_where_its_targets_recur(targets: list[str], metric: str) -> None:
    assert scores.metric_of(targets) == metric


def test_scores_of_known_answers() -> None:
    text = scores.summary(["the quick fox", "b"], ["the quick fox", "c"], "rougeL")
    assert {name: text[name] for name in ("exact", "rouge1", "rouge2", "rougeL")} == {"exact": 0.5, "rouge1": 0.5, "rouge2": 0.5, "rougeL": 0.5}
    assert scores.summary(["c", "perl"], ["c", "c"], "accuracy") == {"accuracy": 0.5, "accuracy_low": 0.0, "accuracy_high": 1.0}
    assert scores.interval(np.ones(20)) == (1.0, 1.0)


def test_baselines_of_known_rows() -> None:
    assert scores.majority(["b", "a", "b", "a", "c"]) == "a"
    assert scores.lead("summarize: one two three four five six seven eight nine") == "one two three four five six seven eight"
    assert scores.slices({"all": [True] * 12, "few": [True] + [False] * 11}, np.arange(12.0)) == {"all": {"rows": 12.0, "score": 5.5}}


def test_what_a_run_writes_of_itself_satisfies_the_rules_but_for_an_owner_nobody_named(finished_run: Path) -> None:
    from infra.pipeline.gate import judge_release

    candidate = candidate_of(finished_run)
    names = [*candidate["documents"], candidate["data"]["erasure"]["file"]]
    decision = judge_release(candidate, {name: digest_file(finished_run / name) for name in names}, "local", "2026-01-02T12:00:00Z")
    wanted = {"model_card_complete", "ml_bom_complete", "drift_reference", "erasure_map"}
    found = {result.rule: {**result.fail, **result.unknown} for result in decision.rules if result.rule in wanted}
    assert found == {**dict.fromkeys(wanted, {}), "model_card_complete": {"model card": ["it says nothing of owner"]}}
