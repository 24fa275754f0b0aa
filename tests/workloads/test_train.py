from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from falaj.errors import Exit, Fault, UsageError
from falaj.home import ROOT
from tests.conftest import free_block
from tests.workloads.small import own_rows, still, tiny_model, told_at_three, write_jsonl
from workloads import provenance
from workloads.artifacts import open_artifact
from workloads.base_model import loaded
from workloads.data.rows import Row
from workloads.prepare import open_dataset, prepare
from workloads.recipes import DEFAULT, RECIPES, base_digest, base_folder, flan_t5_base, local_seed, recipe_named, smoke
from workloads.tokens.agreement import own_tokenizer
from workloads.tracking import Spool, open_client
from workloads.train import train, train_with
from workloads.training import flops, memory
from workloads.training.batches import Batches
from workloads.training.progress import Progress, rate


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder whose data is a user's 240 rows, and a tiny base model."""
    for name in ("MLFLOW_TRACKING_URI", "FALAJ_DATA_BUCKET", "FALAJ_DATA_REMOTE", "FALAJ_MEMORY_LIMIT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("FALAJ_COMMIT", "c0ffee")
    monkeypatch.setenv("FALAJ_BASE_MODEL", str(tiny_model(tmp_path / "base")))
    prepare(tmp_path / "r", data=write_jsonl(tmp_path / "mine.jsonl", own_rows()), recipe="smoke")
    return tmp_path / "r"


TINY = replace(smoke(), name="tiny", base="google/flan-t5-base", most_steps=8, most_seconds=1e6, learning_rate=1e-2)


def test_a_run_leaves_a_model_in_safetensors_and_a_record(prepared: Path) -> None:
    artifact = train_with(prepared, TINY)
    record = json.loads(artifact.path("run_record.json").read_text())
    assert sorted(name for name in artifact.files if not name.startswith("model/token")) == [
        "model/config.json", "model/generation_config.json", "model/model.safetensors", "run_record.json",
    ]  # fmt: skip
    assert (record["steps"], record["ended_by"], record["commit"], len(record["losses"])) == (8, "steps", "c0ffee", 8)
    assert record["data"]["digest"] == open_dataset(prepared).card["digest"] and record["peak_bytes"] > 1e8 and record["tokens_per_second"] > 0
    assert not (prepared / "train.checkpoint").exists()


def test_flan_t5_base_is_fine_tuned_from_a_folder_of_its_architecture(prepared: Path) -> None:
    artifact = train_with(prepared, replace(flan_t5_base(), most_steps=2, batch=4))
    assert artifact.parameters["recipe"]["base"] == "google/flan-t5-base" and artifact.inputs["base"] == base_digest(flan_t5_base())


def test_the_same_recipe_and_data_are_not_trained_twice(prepared: Path) -> None:
    first = train_with(prepared, TINY)
    written = (first.folder / "manifest.json").stat().st_mtime_ns
    assert train_with(prepared, TINY).digest == first.digest
    assert (first.folder / "manifest.json").stat().st_mtime_ns == written


def test_trainings_on_the_same_rows_share_their_numbers(prepared: Path) -> None:
    train_with(prepared, TINY)
    (cache,) = (path for path in (prepared / "train.tokens").iterdir() if path.is_dir())
    written = (cache / "manifest.json").stat().st_mtime_ns
    train_with(prepared, replace(TINY, learning_rate=1e-3, most_steps=2))
    assert [path.name for path in (prepared / "train.tokens").iterdir() if path.is_dir()] == [cache.name]
    assert (cache / "manifest.json").stat().st_mtime_ns == written


@pytest.mark.slow
def test_ranks_of_one_machine_write_their_numbers_once_and_train_from_them(prepared: Path, tmp_path: Path) -> None:
    shutil.copytree(prepared, tmp_path / "work" / "runs" / "r")
    environ = {**os.environ, "FALAJ_WORK": str(tmp_path / "work"), "FALAJ_RANKS": "2", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "workloads", "train", "--run", "r", "--recipe", "smoke"]
    answer = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=500)
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]
    record = json.loads(open_artifact(tmp_path / "work" / "runs" / "r" / "train").path("run_record.json").read_text())
    written = [path.name for path in (tmp_path / "work" / "runs" / "r" / "train.tokens").iterdir() if path.is_dir()]
    # Whichever rank comes first writes them, and only the first rank's words are shown.
    assert (record["ranks"], record["steps"], len(written)) == (2, 6, 1) and answer.stdout.count("rows became") <= 1


def test_a_base_with_another_models_tokenizer_is_refused_though_the_rows_were_prepared_with_the_right_one(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FALAJ_BASE_MODEL", str(tiny_model(tmp_path / "other", eos_token_id=2)))
    with pytest.raises(UsageError, match="the tokenizer is another model's") as caught:
        train_with(prepared, TINY)
    assert "texts end with 1 (</s>), the model's end is 2 (<unk>)" in (caught.value.given or "") and not (prepared / "train").exists()


def test_a_run_that_was_told_to_stop_goes_on_where_it_was_and_ends_the_same(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shutil.copytree(prepared, prepared.parent / "whole")
    losses = json.loads(train_with(whole, TINY).path("run_record.json").read_text())["losses"]

    with told_at_three(monkeypatch), pytest.raises(SystemExit) as ended:
        train_with(prepared, TINY)
    assert ended.value.code == 143 and not (prepared / "train" / "manifest.json").exists()
    record = json.loads(train_with(prepared, TINY).path("run_record.json").read_text())
    assert (record["resumed_at"], record["losses"]) == ([4], losses)


def test_a_checkpoint_that_was_cut_or_belongs_to_another_recipe_is_not_used(prepared: Path) -> None:
    checkpoints = prepared / "train.checkpoint"
    for name in ("step-5", "step-7.partial"):
        (checkpoints / name).mkdir(parents=True)
        (checkpoints / name / "state.json").write_text('{"progress": {"basis": "other"')
    record = json.loads(train_with(prepared, TINY).path("run_record.json").read_text())
    assert (record["resumed_at"], record["steps"]) == ([], 8)


def test_a_disk_that_is_full_at_the_end_is_told_and_the_same_command_goes_on(prepared: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(Fault, match="the trained model could not be written") as caught:
            train_with(prepared, TINY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "free some disk space" in (caught.value.next or "") and not (prepared / "train" / "manifest.json").exists()
    assert train_with(prepared, TINY).stage == "train"


def test_too_little_free_memory_is_said_before_anything_is_loaded(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_MEMORY_LIMIT", "300Mi")
    with pytest.raises(Fault, match="not enough free memory for the recipe tiny") as caught:
        train_with(prepared, TINY)
    assert caught.value.exit_code == Exit.FAULT and "0.31 GB free" in (caught.value.given or "") and not (prepared / "train").exists()


def test_the_estimate_grows_with_batch_and_model() -> None:
    assert 1e9 < memory.needed_bytes(local_seed(), base_folder(local_seed())) < 3e9
    assert memory.needed_bytes(replace(local_seed(), batch=96), base_folder(local_seed())) > memory.needed_bytes(local_seed(), base_folder(local_seed()))


@pytest.mark.parametrize(("text", "found"), [("512Mi", 512 << 20), ("8G", 8 * 10**9), ("1000", 1000), ("2Gi", 2 << 30)])
def test_memory_is_written_as_kubernetes_writes_it(text: str, found: int) -> None:
    assert memory.quantity(text) == found


def test_an_amount_of_memory_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="not an amount of memory"):
        memory.quantity("much")


def test_an_unknown_recipe_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no recipe 'bert'") as caught:
        train(tmp_path, recipe="bert")
    assert caught.value.allowed == "local_seed, local_seed_auto, smoke, flan_t5_base"
    assert {name: make().name for name, make in RECIPES.items()} == {name: name for name in RECIPES} and recipe_named("").name == DEFAULT


def test_a_recipe_of_an_unknown_compression_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no compression 'int4'") as caught:
        replace(smoke(), compression="int4")
    assert caught.value.allowed == "int8, auto"


def test_a_base_model_without_safetensors_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    monkeypatch.setenv("FALAJ_BASE_MODEL", str(tmp_path))
    with pytest.raises(UsageError, match=r"lacks tokenizer.json and model.safetensors"):
        base_folder(flan_t5_base())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"num_layers": 4}, "9 weights missing, as encoder.block.3."),
        ({"num_layers": 2}, "9 weights that no part of it reads, as encoder.block.2."),
        ({"d_ff": 64}, "15 weights of another shape, as decoder.block.0.layer.2.DenseReluDense.wi_0.weight"),
    ],
)
def test_weights_that_are_not_those_of_the_config_are_refused_and_never_made_up(tmp_path: Path, changes: dict[str, int], says: str) -> None:
    config = tiny_model(tmp_path) / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | changes))
    with pytest.raises(UsageError, match="weights are of another architecture") as caught:
        loaded(tmp_path)
    assert says in (caught.value.given or "")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_base_with_weights_that_are_no_numbers_is_refused(tmp_path: Path, value: float) -> None:
    file = tiny_model(tmp_path) / "model.safetensors"
    weights = load_file(file)
    weights["decoder.final_layer_norm.weight"][3] = value
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(UsageError, match="no numbers") as caught:
        loaded(tmp_path)
    assert "1 weights with NaN or infinity, as decoder.final_layer_norm.weight" in (caught.value.given or "")


def test_a_base_that_is_no_t5_or_was_cut_is_refused_before_any_row_is_read(tmp_path: Path) -> None:
    base = tiny_model(tmp_path)
    (base / "model.safetensors").write_bytes((base / "model.safetensors").read_bytes()[:5000])
    for read in (loaded, lambda folder: own_tokenizer(folder, most_unused=512)):
        with pytest.raises(UsageError, match="weights cannot be read"):
            read(base)
    (base / "config.json").write_text('{"model_type": "bart"}')
    with pytest.raises(UsageError, match="the base model is no T5"):
        own_tokenizer(base, most_unused=512)


def test_a_hub_that_cannot_be_reached_is_a_fault_that_names_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FALAJ_BASE_MODEL", raising=False)

    def fail(*arguments: object, **options: object) -> str:
        raise ConnectionError("no route")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    with pytest.raises(Fault, match="google/flan-t5-base could not be fetched") as caught:
        base_folder(flan_t5_base())
    assert "FALAJ_BASE_MODEL" in (caught.value.next or "") and "HF_ENDPOINT" in (caught.value.next or "")


def test_an_altered_data_set_is_not_trained_on(prepared: Path) -> None:
    with (prepared / "prepare" / "train.jsonl").open("a") as stream:
        stream.write("\n")
    with pytest.raises(UsageError, match="train.jsonl was altered"):
        train_with(prepared, TINY)


def rows_of(tasks: Sequence[str]) -> list[Row]:
    return [Row(f"{task}{number}", task, f"{task}: one two three four five six {number}", "x", "g", "train") for task in tasks for number in range(50)]


def test_batches_follow_from_seed_and_step_alone() -> None:
    recipe = replace(still(), batch=40)
    batches, again = Batches(rows_of(["language", "section"]), recipe), Batches(rows_of(["language", "section"]), recipe)
    again.at(0)
    assert batches.at(7) == again.at(7) != batches.at(8)


def test_a_batch_is_mixed_as_the_recipe_weighs_its_tasks() -> None:
    batches = Batches(rows_of(["language", "section"]), replace(still(), batch=400, mix={"language": 9.0}))
    assert 330 < sum(row.task == "language" for row in batches.at(0)) < 390


def test_the_learning_rate_rises_over_the_warm_up_and_falls_with_the_budget() -> None:
    recipe = replace(still(), learning_rate=1.0, warmup_steps=4, most_steps=100, most_seconds=10.0)
    found = [rate(recipe, Progress("b", step=step, seconds=seconds)) for step, seconds in ((0, 0.0), (3, 0.0), (50, 0.0), (50, 9.0), (100, 10.0))]
    assert found == pytest.approx([0.25, 0.9715, 0.525, 0.145, 0.05])


def test_the_commit_is_the_checkouts_or_the_one_that_the_image_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_COMMIT", "abc")
    assert provenance.commit() == "abc"
    monkeypatch.delenv("FALAJ_COMMIT")
    assert len(provenance.commit().removesuffix("+changes")) == 40 or provenance.commit() == "unknown"


def test_a_run_is_entered_into_mlflow_once_with_its_curves_the_machine_and_what_it_was_made_from(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FALAJ_WORK", str(tmp_path / "work"))
    record = json.loads(train_with(prepared, TINY).path("run_record.json").read_text())
    shutil.rmtree(prepared / "train")
    train_with(prepared, TINY)
    client = open_client()
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    assert [(run.info.status, run.data.params["name"], run.data.params["ranks"]) for run in runs] == [("FINISHED", "tiny", "1")]
    run, of = runs[0].info.run_id, lambda name: [point.value for point in client.get_metric_history(runs[0].info.run_id, name)]
    assert (of("loss"), of("gradient_norm"), of("learning_rate")) == (record["losses"], record["gradient_norms"], record["rates"])
    assert len(of("tokens_per_second_now")) == 8 and min(of("tokens_per_second_now")) > 0 and of("mfu") == [record["mfu"]]
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes", "system/process_memory_usage_megabytes"} <= set(runs[0].data.metrics)
    environment = json.loads(runs[0].data.tags["environment"])
    assert (runs[0].data.tags["commit"], runs[0].data.tags["data"]) == ("c0ffee", record["inputs"]["data"])
    assert environment == record["environment"] and environment["packages"]["torch"] and environment["processors"] >= 1
    assert [found.dataset.digest for found in runs[0].inputs.dataset_inputs] == [record["data"]["digest"].removeprefix("sha256:")[:36]]
    assert [found.path for found in client.list_artifacts(run)] == ["run_record.json"]
    assert Spool.of_environment().waiting() == []


def test_training_goes_on_without_its_tracking_server_and_its_record_waits(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FALAJ_WORK", str(tmp_path / "work"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_block()}")
    train_with(prepared, TINY)
    assert "not entered into MLflow yet, waiting in" in capfd.readouterr().out and open_artifact(prepared / "train").stage == "train"
    assert len(Spool.of_environment().waiting()) == 1


def test_a_record_says_how_much_of_the_machine_was_used(prepared: Path) -> None:
    record = json.loads(train_with(prepared, TINY).path("run_record.json").read_text())
    assert 0 < record["mfu"] < 1 and record["peak_flops_per_second"]["from"] == "measured"
    assert record["clock"][-1] == [pytest.approx(record["seconds"], abs=0.01), record["tokens"]] and len(record["rates"]) == len(record["clock"]) == 8
    assert record["machine"][0]["process_bytes"] > 1e8 and 0 <= record["machine"][0]["processors_percent"] <= 100


def test_what_a_t5_needs_is_twice_each_weight_a_token_meets_three_times(tmp_path: Path) -> None:
    from transformers import T5ForConditionalGeneration

    model = T5ForConditionalGeneration.from_pretrained(tiny_model(tmp_path))
    counted = {name: parameter.numel() for name, parameter in model.named_parameters() if parameter.ndim == 2}
    of_decoder = sum(number for name, number in counted.items() if name.startswith("decoder.") and "EncDecAttention" not in name and "bias" not in name)
    crossed = {part: sum(number for name, number in counted.items() if f"EncDecAttention.{part}." in name) for part in "qkvo"}
    of_encoder = sum(number for name, number in counted.items() if name.startswith("encoder.") and "bias" not in name)
    target = of_decoder + crossed["q"] + crossed["o"] + counted["lm_head.weight"]
    assert flops.needed(model.config, 1, 0) == 6 * (of_encoder + crossed["k"] + crossed["v"])
    assert flops.needed(model.config, 0, 1) == 6 * target
