"""The evaluate stage: scores the trained model, its INT8 form and the untouched base on the test split, and writes the candidate.

All three run through the serving runtime: the full model in fp32, which the compress stage has compared with PyTorch.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falaj.canonical import digest_bytes, digest_file
from falaj.errors import UsageError
from falaj.files import read_json, write_json
from workloads import documents, provenance, reference, scores
from workloads.artifacts import Artifact, begin, finish, finished, open_artifact
from workloads.compress.stage import FULL, INT8, REPORT, export_base
from workloads.data import erasure
from workloads.data.rows import Row, normal
from workloads.prepare import CARD, Dataset, open_dataset
from workloads.recipes import Recipe, base_digest, base_folder
from workloads.serve.runtime import Generation, Runtime
from workloads.serve.settings import threads
from workloads.train import MODEL, RECORD

SCHEMA = "falaj.evaluation/1"
CANDIDATE = "candidate.json"
REPORT_FILE = "eval.json"
_EXAMPLES = 5


class ContaminatedTestSet(UsageError):
    """A test row, or another row of its group, was trained on."""


@dataclass(frozen=True)
class Answers:
    """What one model answered to every judged row, and how fast."""

    generations: dict[str, list[Generation]]
    """Task -> answers in the order of the judged rows."""
    seconds: float

    @property
    def tokens(self) -> int:
        return sum(generation.tokens for found in self.generations.values() for generation in found)


def evaluate(run: Path) -> Artifact:
    """Write `eval.json` (scores with 95 % intervals, slices, speed, examples), model card, bill of materials, and `candidate.json` for the gate.

    Raises ContaminatedTestSet when training and test share a group or a text, UsageError when an artifact is missing or altered.
    """
    data, trained, compressed = open_dataset(run), open_artifact(run / "train"), open_artifact(run / "compress")
    if compressed.inputs["train"] != trained.digest:
        raise UsageError("the compressed model is not made from this run's trained one", given=str(compressed.folder), next="run compress again")
    recipe = Recipe(**trained.parameters["recipe"])
    inputs = {"data": data.artifact.digest, "train": trained.digest, "compress": compressed.digest}
    parameters = {"judged_rows": recipe.judged_rows, "most_new_tokens": recipe.target_tokens, "seed": recipe.seed, "documents": documents.CARD_SCHEMA}
    if (before := finished(run, "evaluate", schema=SCHEMA, inputs=inputs, parameters=parameters)) is not None:
        return before
    out = begin(run, "evaluate")
    check_contamination(data)
    judged = judged_rows(data, recipe.judged_rows)
    metrics = {task: scores.metric_of([row.target for row in data.rows["train"] if row.task == task]) for task in judged}
    answers = {name: answer(compressed.path(folder), judged, recipe) for name, folder in (("full", FULL), ("int8", INT8))}
    with tempfile.TemporaryDirectory(prefix="falaj-base-") as scratch:
        answers["seed"] = answer(export_base(recipe, base_folder(recipe), Path(scratch)), judged, recipe)
    models = {name: _scored(found, judged, metrics, recipe) for name, found in answers.items()}
    report = {
        "schema": SCHEMA,
        "run": run.name,
        "run_through": "the serving engine; full and seed in fp32, compared with PyTorch by the compress stage",
        "tasks": {task: {"metric": metrics[task], "rows": len(rows)} for task, rows in judged.items()},
        "models": models,
        "baselines": _baselines(data, judged, metrics, recipe),
        "loss": _losses(models, metrics),
        "slices": {name: _slices(found, judged, metrics) for name, found in answers.items()},
        "speed": {name: {"seconds": round(found.seconds, 3), "tokens_per_second": round(found.tokens / found.seconds, 1)} for name, found in answers.items()},
        "examples": _examples(answers, judged),
    }
    write_json(out / REPORT_FILE, report)
    candidate = _candidate(run, recipe, data, trained, compressed, report)
    write_json(out / CANDIDATE, _documented(out, candidate, data.card, report))
    artifact = finish(out, SCHEMA, inputs=inputs, parameters=parameters, metrics={"loss": report["loss"]})
    for line in table(report):
        print(line, flush=True)
    return artifact


def check_contamination(data: Dataset) -> None:
    """Raise ContaminatedTestSet when a test row's group or text also stands in the training split."""
    groups = {row.group for row in data.rows["train"]}
    texts = {(row.task, normal(row.source)) for row in data.rows["train"]}
    for row in data.rows["test"]:
        if row.group in groups or (row.task, normal(row.source)) in texts:
            raise ContaminatedTestSet(
                f"test row {row.id} was trained on",
                given=f"group {row.group}",
                allowed="groups and texts that stand in one split only",
                why="a score on rows that the model has seen says nothing",
                next="run prepare again, and look at how the data is split",
            )


def judged_rows(data: Dataset, most: int) -> dict[str, list[Row]]:
    """Task -> at most `most` test rows, the same ones every time. Tasks without a test row are left out."""
    found: dict[str, list[Row]] = {}
    for row in sorted(data.rows["test"], key=lambda row: digest_bytes(row.source.encode())):
        found.setdefault(row.task, []).append(row)
    return {task: found[task][:most] for task in sorted(found)}


def answer(folder: Path, judged: Mapping[str, Sequence[Row]], recipe: Recipe) -> Answers:
    """The answers of the model in `folder` to every judged row."""
    runtime = Runtime.load(folder, threads=threads(os.environ))
    began = time.perf_counter()
    found = {task: runtime.generate([row.source for row in rows], max_new_tokens=recipe.target_tokens) for task, rows in judged.items()}
    return Answers(found, time.perf_counter() - began)


def table(report: Mapping[str, Any]) -> list[str]:
    """The scores as lines for people: a task each, models and baseline side by side."""
    lines = [f"{'task':<12}{'metric':<10}{'rows':>5}{'full':>8}{'int8':>8}{'seed':>8}  baseline"]
    for task, about in report["tasks"].items():
        values = [report["models"][name][task][about["metric"]] for name in ("full", "int8", "seed")]
        base = "majority" if about["metric"] == "accuracy" else "lead8"
        lines.append(
            f"{task:<12}{about['metric']:<10}{about['rows']:>5}" + "".join(f"{value:>8.3f}" for value in values) + f"  {base} "
            f"{report['baselines'][base][task][about['metric']]:.3f}"
        )
    return lines


def _scored(found: Answers, judged: Mapping[str, Sequence[Row]], metrics: Mapping[str, scores.Metric], recipe: Recipe) -> dict[str, dict[str, float]]:
    return {
        task: scores.summary([one.text for one in found.generations[task]], [row.target for row in rows], metrics[task], seed=recipe.seed)
        for task, rows in judged.items()
    }


def _baselines(
    data: Dataset, judged: Mapping[str, Sequence[Row]], metrics: Mapping[str, scores.Metric], recipe: Recipe
) -> dict[str, dict[str, dict[str, float]]]:
    """`majority`: always the most frequent training target (label tasks); `lead8`: the first eight words (text tasks)."""
    found: dict[str, dict[str, dict[str, float]]] = {"lead8": {}, "majority": {}}
    for task, rows in judged.items():
        targets = [row.target for row in rows]
        if metrics[task] == "accuracy":
            label = scores.majority([row.target for row in data.rows["train"] if row.task == task])
            found["majority"][task] = scores.summary([label] * len(rows), targets, metrics[task], seed=recipe.seed)
        else:
            found["lead8"][task] = scores.summary([scores.lead(row.source) for row in rows], targets, metrics[task], seed=recipe.seed)
    return found


def _losses(models: Mapping[str, Mapping[str, Mapping[str, float]]], metrics: Mapping[str, str]) -> dict[str, float]:
    """Task -> share of the full model's score that INT8 loses; negative where it gains."""
    found = {}
    for task, metric in metrics.items():
        full = models["full"][task][metric]
        found[task] = round((full - models["int8"][task][metric]) / full, 6) if full else 0.0
    return found


def _slices(found: Answers, judged: Mapping[str, Sequence[Row]], metrics: Mapping[str, scores.Metric]) -> dict[str, dict[str, dict[str, float]]]:
    """Per task: rows whose source was cut and rows that were read whole, and each label."""
    sliced = {}
    for task, rows in judged.items():
        generations = found.generations[task]
        values = scores.per_row([one.text for one in generations], [row.target for row in rows], metrics[task])[metrics[task]]
        members = {"cut": [one.truncated for one in generations], "whole": [not one.truncated for one in generations]}
        if metrics[task] == "accuracy":
            members |= {f"label {label}": [row.target == label for row in rows] for label in sorted({row.target for row in rows})}
        sliced[task] = scores.slices(members, values)
    return sliced


def _examples(answers: Mapping[str, Answers], judged: Mapping[str, Sequence[Row]]) -> list[dict[str, str]]:
    return [
        {"source": row.source, "target": row.target, **{name: found.generations[task][index].text for name, found in answers.items()}}
        for task, rows in judged.items()
        for index, row in enumerate(rows[:_EXAMPLES])
    ]


def _candidate(run: Path, recipe: Recipe, data: Dataset, trained: Artifact, compressed: Artifact, report: Mapping[str, Any]) -> dict[str, Any]:
    """What the gate judges: where everything comes from, each file's digest, and the scores."""
    record = read_json(trained.path(RECORD), what="run record", next="run train again")
    compression = read_json(compressed.path(REPORT), what="compression report", next="run compress again")
    card = data.card
    return {
        "schema": "falaj.candidate/1",
        "run": run.name,
        "base_model": {"name": recipe.base, "revision": recipe.base_revision, "licence": recipe.licence, "digest": base_digest(recipe)},
        "data": {
            "name": card["name"],
            "sources": card["sources"],
            "digest": card["digest"],
            "rows": card["rows"],
            "card_digest": digest_file(data.artifact.path(CARD)),
            "erasure": {**card["erasure"], "file": f"prepare/{erasure.FILE}", "digest": digest_file(data.artifact.path(erasure.FILE))},
        },
        "recipe": recipe.to_json(),
        "models": {"full": _model(trained, MODEL, "safetensors"), "int8": {**_model(compressed, INT8, "onnx"), "method": compression["int8"]["method"]}},
        "evaluation": {name: report[name] for name in ("tasks", "models", "baselines", "slices")},
        "training": {name: record[name] for name in ("steps", "seconds", "tokens_per_second", "precision", "ended_by")},
        "drift": {"reference": {"split": "validation", "rows": card["rows"]["validation"]}, "windows": list(reference.WINDOW_SIZES)},
        "code": {"commit": record["commit"], "evaluated_at": provenance.commit()},
    }


def _documented(out: Path, candidate: dict[str, Any], data_card: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """`candidate` with its model card and bill of materials, which are written beside it, and the digests of both files."""
    card = documents.model_card(candidate, data_card, report["slices"]["int8"], candidate["training"]["seconds"])
    bill = documents.bill_of_materials(candidate, card)
    for name, document in ((documents.CARD, card), (documents.BOM, bill)):
        write_json(out / name, document)
    digests = {f"evaluate/{name}": digest_file(out / name) for name in (documents.CARD, documents.BOM)}
    return {**candidate, "model_card": card, "bom": bill, "documents": digests}


def _model(artifact: Artifact, folder: str, form: str) -> dict[str, Any]:
    files = {f"{artifact.stage}/{name}": found for name, found in artifact.files.items() if name.startswith(f"{folder}/")}
    return {"format": form, "files": files, "bytes": sum((artifact.folder.parent / name).stat().st_size for name in files)}
