"""The compress stage when it is asked to choose: on the seed, through the real engine, by command and by recipe."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from falaj.errors import Exit
from workloads.artifacts import finish, open_artifact
from workloads.compress import __main__ as command
from workloads.compress import stage
from workloads.compress.auto import Settings
from workloads.compress.choice import Bound
from workloads.compress.distil import Lesson
from workloads.compress.ways import WAYS, ToldToStop, Way
from workloads.evaluate import evaluate
from workloads.serve.runtime import Runtime

QUICK = Way("pruned", heads=0.8, units=0.8, lesson=Lesson(steps=0.4))
SMALL = Settings(variants=("int8-channels", "pruned-int8"), rounds=1, sizes=(1, 4))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WAYS, "pruned", QUICK)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_the_chosen_variant_is_what_is_evaluated_and_served(run: Path) -> None:
    artifact = stage.compress(run, auto=replace(SMALL, bound=Bound(1, 1, 1)))
    report = json.loads(artifact.path("compression.json").read_text())["int8"]
    found = report["auto"]
    assert (
        list(found["variants"]) == ["f32", "int8-channels", "pruned", "pruned-int8"]
        and report["method"] == found["choice"]["name"] == artifact.metrics["method"]
    )
    assert all(set(about["speed"]) == {"1", "4"} and set(about["tasks"]) == {"language", "section", "summarize"} for about in found["variants"].values())
    assert found["variants"]["pruned-int8"]["bytes"] < 0.95 * found["variants"]["int8-channels"]["bytes"] < 0.5 * found["variants"]["f32"]["bytes"]
    assert found["variants"]["f32"]["fidelity"] == {
        "kl": 0.0,
        "agreement": 1.0,
        "largest_logit_error": 0.0,
        "tokens": found["variants"]["f32"]["fidelity"]["tokens"],
        "exact_match": 1.0,
    }
    assert len(ElementTree.parse(artifact.path("pareto.svg")).findall("{http://www.w3.org/2000/svg}circle")) == 8
    assert Runtime.load(artifact.path("int8"), threads=1).generate(["section: a tool"])[0].text
    assert not (run / "compress.checkpoint").exists()
    before = artifact.path("manifest.json").stat().st_mtime_ns
    stage.compress(run, auto=replace(SMALL, bound=Bound(1, 1, 1)))
    assert artifact.path("manifest.json").stat().st_mtime_ns == before
    evaluate(run)
    assert json.loads((run / "evaluate" / "candidate.json").read_text())["models"]["int8"]["method"] == report["method"]


def test_a_recipe_can_ask_for_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = open_artifact(run / "train")
    finish(trained.folder, trained.schema, inputs=trained.inputs, parameters={"recipe": {**trained.parameters["recipe"], "compression": "auto"}})
    asked: list[Any] = []

    def told(ready: Any, settings: Settings, out: Path, work: Path, stop: Any) -> dict[str, Any]:
        asked.append(settings)
        raise ToldToStop("pruned")

    monkeypatch.setattr(stage, "_auto", told)
    with pytest.raises(SystemExit) as ended:
        stage.compress(run)
    assert asked == [Settings()] and ended.value.code == 143 and not (run / "compress" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--loss", "2"], "that bound on quality cannot be"),
        (["--loss", "0.1", "--sure", "0.01"], "sure at least as large as loss"),
        (["--variants", "int4"], "there is no variant 'int4'"),
        (["--rounds", "0"], "that is no race"),
        (["--goal", "fast"], "invalid choice"),
        (["--loss", "much"], "invalid float value"),
        ([], "run the stages before this one"),
    ],
)
def test_a_command_that_cannot_be_done_ends_as_wrong_use_and_says_why(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FALAJ_WORK", str(tmp_path))
    assert command.main(["auto", "--run", "a", *arguments]) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_the_command_hands_on_what_it_was_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FALAJ_WORK", str(tmp_path))
    given: list[Any] = []
    monkeypatch.setattr(stage, "compress", lambda run, **options: given.append((run, options)))
    assert command.main(["auto", "--run", "a", "--loss", "0.02", "--goal", "latency", "--variants", "pruned-int8", "--rounds", "3"]) == Exit.DONE
    assert given == [(tmp_path / "runs" / "a", {"auto": Settings(("pruned-int8",), Bound(0.02, 0.03, 0.1), "latency", 3)})]
