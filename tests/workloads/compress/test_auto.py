"""`compress auto` on models that need no engine: every variant is made, measured against the reference in one run, and judged."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from falaj.errors import UsageError
from tests.workloads.compress.test_distil import ROWS, TINY
from workloads.compress import auto as auto_module
from workloads.compress.auto import Settings, auto, engine_work, table
from workloads.compress.choice import Bound
from workloads.compress.measure import Exam
from workloads.compress.variants import VARIANTS, Variant, named
from workloads.compress.ways import WAYS, Lesson, Way, World
from workloads.engine.protocol import Full, ModelConfig


class Said:
    def __init__(self, text: str) -> None:
        self.text, self.ids, self.truncated = text, tuple(map(ord, text)), False


class Model:
    """Answers as the rows want it, but for one text in `wrong_every`."""

    def __init__(self, wrong_every: int) -> None:
        self.wrong_every = wrong_every

    def generate(self, texts: Sequence[str], max_new_tokens: int | None = None) -> list[Said]:
        targets = {row.source: row.target for row in ROWS}
        return [Said("odd" if index % self.wrong_every == 0 else targets[text]) for index, text in enumerate(texts, 1)]

    def logits(self, sources: Sequence[str], targets: Sequence[Sequence[int]]) -> list[np.ndarray]:
        return [np.full((len(target), 4), 1.0, dtype=np.float32) for target in targets]


WRONG = {"f32": 10**6, "int8-channels": 10**6, "pruned": 3, "pruned-int8": 2}
SECONDS = {"f32": 1.0, "int8-channels": 0.5, "pruned": 0.8, "pruned-int8": 0.25}


@pytest.fixture
def made(tiny: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> auto_module.Result:
    monkeypatch.setitem(WAYS, "pruned", Way("pruned", units=0.5, lesson=Lesson(steps=0.05)))
    written: list[str] = []

    def write(variant: Variant, model: Any, tokenizer: Path, out: Path, **limits: int) -> Path:
        written.append(f"{variant.name} of {len(model.encoder.block)} layers, {limits}")
        out.mkdir()
        (out / "weights").write_bytes(bytes(1000 if variant.kind == "f32" else 300))
        return out

    monkeypatch.setattr(auto_module, "write", write)
    clock = [0.0]
    monkeypatch.setattr(auto_module, "Race", lambda **given: replace(RACE(**given), clock=lambda: clock[0]))

    def start(folder: Path, slots: int, tokens: int) -> Any:
        def work(size: int, tokens: int) -> None:
            clock[0] += SECONDS[folder.name]

        return work

    world = World(tiny, tiny_folder / "tokenizer.json", {"train": ROWS[:48], "validation": ROWS[48:]}, TINY, lambda texts: texts, tmp_path / "work", "b")
    exam = Exam.of(Model(10**6), {"colour": ROWS}, {"colour": "accuracy"}, tokens=8)
    (tmp_path / "f32").mkdir()
    (tmp_path / "f32" / "weights").write_bytes(bytes(1000))
    settings = Settings(variants=("int8-channels", "pruned-int8"), rounds=2, sizes=(1, 4))
    result = auto(settings, world, exam, tmp_path / "f32", tmp_path, load=lambda folder: Model(WRONG[folder.name]), start=start)
    assert written == [f"{name} of 3 layers, {{'input_tokens': 48, 'target_tokens': 8}}" for name in ("int8-channels", "pruned", "pruned-int8")]
    return result


RACE = auto_module.Race


def test_the_fastest_variant_in_the_bound_is_chosen_though_others_are_faster(made: auto_module.Result) -> None:
    assert (made.choice.name, made.choice.speedups) == ("int8-channels", {"f32": 1.0, "int8-channels": 2.0, "pruned": 1.25, "pruned-int8": 4.0})
    assert made.choice.reasons["pruned-int8"][0] == "colour: loses 50.00%, more than 1.00%"


def test_each_step_says_quality_size_latency_and_throughput_before_and_after(made: auto_module.Result) -> None:
    assert made.variants["pruned-int8"]["step"] == {
        "bytes": {"before": 1000, "after": 300},
        "latency_ms": {"before": 800.0, "after": 250.0},
        "tokens_per_second": {"before": 40.0, "after": 128.0},
        "score colour": {"before": 0.666667, "after": 0.5},
    }
    assert "step" not in made.variants["f32"] and made.variants["pruned"]["parent"] == "f32"
    assert set(made.to_json()) == {"choice", "front", "variants", "ways"} and set(made.ways) == {"trained", "pruned"}
    assert made.variants["pruned"]["parameters"] < made.variants["f32"]["parameters"] == made.ways["trained"]["parameters"]


def test_the_table_and_the_plot_show_every_variant_and_mark_the_chosen_one(made: auto_module.Result) -> None:
    lines = table(made)
    assert [line.split()[0] for line in lines] == ["variant", "f32", ">", "pruned", "pruned-int8", "chosen:"]
    assert "int8-channels" in lines[2] and lines[-1].startswith("chosen: int8-channels: 2.00 times as fast as f32")
    assert len(ElementTree.fromstring(made.plot).findall("{http://www.w3.org/2000/svg}circle")) == 8


def test_a_variant_comes_with_those_it_is_a_step_further_than() -> None:
    assert [variant.name for variant in named(["small-int8"])] == ["f32", "shallow", "small", "small-int8"]
    assert [variant.name for variant in named([])] == ["f32"]
    assert [variant.name for variant in named(reversed(VARIANTS))] == list(VARIANTS)
    with pytest.raises(UsageError, match="there is no variant 'int4'"):
        named(["int4"])


def test_bad_settings_are_refused_before_anything_is_made() -> None:
    with pytest.raises(UsageError, match="that bound on quality cannot be"):
        Settings(bound=Bound(loss=2.0))
    for bad, said in (({"variants": ("int4",)}, "no variant 'int4'"), ({"rounds": 0}, "that is no race"), ({"goal": "fast"}, "no goal 'fast'")):
        with pytest.raises(UsageError, match=said):
            Settings(**bad)  # ty: ignore[invalid-argument-type]


class Counting:
    """An engine that counts what it is asked."""

    def __init__(self) -> None:
        self.config = ModelConfig(10, 0, 1, 0, 8, 4, {})
        self.held: dict[int, list[int]] = {}
        self.names = itertools.count()

    def admit(self, sources: Sequence[Sequence[int]]) -> list[int]:
        if len(sources) > 4:
            raise Full
        found = [next(self.names) for _ in sources]
        self.held |= {slot: list(source) for slot, source in zip(found, sources, strict=True)}
        return found

    def step_greedy(self, slots: Sequence[int], tokens: Sequence[int]) -> np.ndarray:
        for slot, token in zip(slots, tokens, strict=True):
            self.held[slot].append(token)
        return np.array([token + 1 for token in tokens], dtype=np.int32)

    def free(self, slots: Sequence[int]) -> None:
        self.freed = [self.held.pop(slot) for slot in slots]


def test_the_race_forces_the_same_work_on_every_engine_and_gives_its_slots_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from workloads.engine import load

    engine, asked = Counting(), []
    monkeypatch.setattr(load, "load", lambda folder, **given: asked.append((folder, given)) or engine)
    work = engine_work([[5, 6], [7]], threads=1)(tmp_path, 4, 3)
    work(3, 3)
    assert asked == [(tmp_path, {"threads": 1, "slots": 4, "longest": 3})]
    assert engine.freed == [[5, 6, 0, 1, 2], [7, 0, 1, 2], [5, 6, 0, 1, 2]] and not engine.held
    with pytest.raises(Full):
        work(5, 1)
