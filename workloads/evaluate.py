"""The evaluate stage: scores the trained model, its INT8 form and the untouched base on the test split, and writes the candidate.

All run through the serving runtime: the full model in fp32, which the compress stage has compared with PyTorch. The release that is served now
sits the same test, and the INT8 form is compared with it row by row. What is measured how: `workloads/evaluation`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falaj.canonical import digest_bytes, digest_file
from falaj.errors import FalajError, UsageError
from falaj.files import read_json, write_json
from workloads import documents, provenance, reference, tracking
from workloads.artifacts import Artifact, begin, finish, finished, open_artifact
from workloads.compress.stage import FULL, INT8, REPORT, export_base
from workloads.data import erasure
from workloads.data import report as data_report
from workloads.data.rows import Row
from workloads.evaluation import confidence, contamination, paired, plots, scores, tracked
from workloads.evaluation.current import Current, current_release
from workloads.evaluation.labels import Truth
from workloads.prepare import CARD, Dataset, open_dataset
from workloads.recipes import Recipe, base_digest, base_folder
from workloads.serve.runtime import Generation, Runtime
from workloads.serve.settings import threads
from workloads.train import MODEL, RECORD

SCHEMA = "falaj.evaluation/2"
CANDIDATE = "candidate.json"
REPORT_FILE = "eval.json"
PLOTS = "plots"
_EXAMPLES = 5


@dataclass(frozen=True)
class Answers:
    """What one model answered to every judged row, and how fast."""

    generations: dict[str, list[Generation]]
    """Task -> answers in the order of the judged rows."""
    seconds: float
    calibration: dict[str, dict[str, Any]]
    """Task -> how well the model knows what it knows; empty where nobody asked."""

    @property
    def tokens(self) -> int:
        return sum(generation.tokens for found in self.generations.values() for generation in found)

    @property
    def texts(self) -> dict[str, list[str]]:
        return {task: [generation.text for generation in found] for task, found in self.generations.items()}


def evaluate(run: Path) -> Artifact:
    """Write `eval.json`, plots, model card, bill of materials, and `candidate.json` for the gate.

    `eval.json`: scores with 95 % intervals, slices, classes, calibration, the comparison with the current release, copies of training rows, speed,
    examples. Raises ContaminatedTestSet when training and test share a group or a text, UsageError when an artifact is missing or altered.
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
    test, seen = clean_test(data)
    exam = Exam(judged_rows(test, recipe.judged_rows), data, recipe)
    answers = {name: answer(compressed.path(folder), exam, calibrated=True) for name, folder in (("full", FULL), ("int8", INT8))}
    with tempfile.TemporaryDirectory(prefix="falaj-base-") as scratch:
        answers["seed"] = answer(export_base(recipe, base_folder(recipe), Path(scratch)), exam)
    with current_release() as current:
        before_it = exam.against(current, answers["int8"])
    report = _report(run, exam, answers, contamination={**seen, "test_rows": len(data.rows["test"])}, current=before_it)
    report["plots"] = plots.draw(report, out / PLOTS)
    write_json(out / REPORT_FILE, report)
    candidate = _candidate(run, recipe, data, trained, compressed, report)
    write_json(out / CANDIDATE, _documented(out, candidate, data.card, report))
    artifact = finish(out, SCHEMA, inputs=inputs, parameters=parameters, metrics={"loss": report["loss"]})
    if tracking.wanted():
        # Only put aside: registering, the next training or `falaj tracking sync` sends it, and importing MLflow here would take seconds.
        tracking.enter(tracked.entry_of(report, inputs, provenance.commit()), tracked.files_of(report, out / PLOTS), send=False)
    for line in table(report):
        print(line, flush=True)
    return artifact


def clean_test(data: Dataset) -> tuple[list[Row], dict[str, Any]]:
    """The test rows to judge on, and what was found beside them. Raises ContaminatedTestSet for a row that stands in the training split.

    Rows that are nearly a training row, by the threshold that the data was cleaned with, are left out and named.
    """
    contamination.refuse_seen(data.rows)
    cleaned = read_json(data.artifact.path(data_report.JSON), what="report of the data", next="run prepare again")
    threshold = float(cleaned["cleaning"]["near"])
    near = contamination.nearly_seen(data.rows, threshold)
    return contamination.left_to_judge(data.rows, near), {"same": 0, "near": len(near), "threshold": threshold, "rows": near}


def judged_rows(test: Sequence[Row], most: int) -> dict[str, list[Row]]:
    """Task -> at most `most` of the rows `test`, the same ones every time. Tasks without a row are left out."""
    found: dict[str, list[Row]] = {}
    for row in sorted(test, key=lambda row: digest_bytes(row.source.encode())):
        found.setdefault(row.task, []).append(row)
    return {task: found[task][:most] for task in sorted(found)}


@dataclass(frozen=True)
class Exam:
    """The rows that models are judged on, task by task, and how."""

    rows: Mapping[str, Sequence[Row]]
    data: Dataset
    recipe: Recipe

    @cached_property
    def metrics(self) -> dict[str, scores.Metric]:
        """Task -> how it is scored, by its training rows."""
        return {task: scores.metric_of([row.target for row in self.data.rows["train"] if row.task == task]) for task in self.rows}

    def targets(self, task: str) -> list[str]:
        return [row.target for row in self.rows[task]]

    def scored(self, texts: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
        """Task -> scores of the answers `texts`."""
        return {task: scores.summary(said, self.targets(task), self.metrics[task], seed=self.recipe.seed) for task, said in texts.items()}

    def per_row(self, task: str, found: Answers) -> NDArray[np.float64]:
        """The task's own score of each row."""
        metric = self.metrics[task]
        return scores.per_row(found.texts[task], self.targets(task), metric)[metric]

    def against(self, current: Current, own: Answers) -> dict[str, Any]:
        """How the candidate does beside the current release, on the same rows: differences, intervals, and a paired test of each task."""
        if current.folder is None:
            print(f"not compared with a release: {current.about['why']}", flush=True)
            return current.about
        try:
            other = answer(current.folder, self)
        except FalajError as problem:
            return {**current.about, "compared": False, "why": problem.what}
        tasks = {task: paired.compared(self.per_row(task, own), self.per_row(task, other), seed=self.recipe.seed) for task in self.rows}
        same = current.about["data"] == self.data.card["digest"]
        return {**current.about, "same_data": same, "tasks": paired.verdicts(tasks)}


def answer(folder: Path, exam: Exam, *, calibrated: bool = False) -> Answers:
    """The answers of the model in `folder` to every judged row, and, outside of the time, how sure it was of them."""
    runtime, most = Runtime.load(folder, threads=threads(os.environ)), exam.recipe.target_tokens
    began = time.perf_counter()
    found = {task: runtime.generate([row.source for row in rows], max_new_tokens=most) for task, rows in exam.rows.items()}
    seconds = time.perf_counter() - began
    return Answers(found, seconds, {task: _calibration(runtime, task, found[task], exam) for task in exam.rows} if calibrated else {})


def _calibration(runtime: Runtime, task: str, found: Sequence[Generation], exam: Exam) -> dict[str, Any]:
    rows = exam.rows[task]
    if exam.metrics[task] == "accuracy":
        right = [one.text.strip() == row.target.strip() for one, row in zip(found, rows, strict=True)]
        return confidence.of_answers(runtime, [row.source for row in rows], [one.ids for one in found], right)
    some = rows[: confidence.TEXT_ROWS]
    return confidence.of_tokens(runtime, [row.source for row in some], [row.target for row in some], exam.recipe.target_tokens)


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
    current = report["current"]
    if current["compared"]:
        lines.append(f"beside the current release {current['version']}:")
        lines += [
            f"{task:<12}{found['before']:.3f} -> {found['score']:.3f}, {found['difference']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f}), "
            f"p {found['p_corrected']:.4f}: {found['verdict']}"
            for task, found in current["tasks"].items()
        ]
    return lines


def _report(run: Path, exam: Exam, answers: Mapping[str, Answers], *, contamination: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    models = {name: exam.scored(found.texts) for name, found in answers.items()}
    return {
        "schema": SCHEMA,
        "run": run.name,
        "run_through": "the serving engine; full and seed in fp32, compared with PyTorch by the compress stage",
        "tasks": {task: {"metric": exam.metrics[task], "rows": len(rows)} for task, rows in exam.rows.items()},
        "models": models,
        "baselines": _baselines(exam),
        "loss": _losses(models, exam.metrics),
        "slices": {name: _slices(found, exam) for name, found in answers.items()},
        "classes": {
            name: {task: Truth.of(found.texts[task], exam.targets(task)).document() for task, metric in exam.metrics.items() if metric == "accuracy"}
            for name, found in answers.items()
        },
        "calibration": {name: found.calibration for name, found in answers.items() if found.calibration},
        "contamination": contamination,
        "current": current,
        "speed": {name: {"seconds": round(found.seconds, 3), "tokens_per_second": round(found.tokens / found.seconds, 1)} for name, found in answers.items()},
        "examples": _examples(answers, exam.rows),
    }


def _baselines(exam: Exam) -> dict[str, dict[str, dict[str, float]]]:
    """`majority`: always the most frequent training target (label tasks); `lead8`: the first eight words (text tasks)."""
    train = exam.data.rows["train"]
    usual = {task: scores.majority([row.target for row in train if row.task == task]) for task, metric in exam.metrics.items() if metric == "accuracy"}
    return {
        "lead8": exam.scored({task: [scores.lead(row.source) for row in rows] for task, rows in exam.rows.items() if task not in usual}),
        "majority": exam.scored({task: [label] * len(exam.rows[task]) for task, label in usual.items()}),
    }


def _losses(models: Mapping[str, Mapping[str, Mapping[str, float]]], metrics: Mapping[str, str]) -> dict[str, float]:
    """Task -> share of the full model's score that INT8 loses; negative where it gains."""
    found = {}
    for task, metric in metrics.items():
        full = models["full"][task][metric]
        found[task] = round((full - models["int8"][task][metric]) / full, 6) if full else 0.0
    return found


def _slices(found: Answers, exam: Exam) -> dict[str, dict[str, dict[str, float]]]:
    """Task -> slice -> rows, score and interval."""
    return {
        task: scores.slices(scores.members(rows, found.generations[task], exam.metrics[task]), exam.per_row(task, found), seed=exam.recipe.seed)
        for task, rows in exam.rows.items()
    }


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
        "evaluation": {
            **{name: report[name] for name in ("tasks", "models", "baselines", "slices", "current")},
            "calibration": {name: {task: confidence.short(found) for task, found in tasks.items()} for name, tasks in report["calibration"].items()},
            "contamination": {name: value for name, value in report["contamination"].items() if name != "rows"},
        },
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
