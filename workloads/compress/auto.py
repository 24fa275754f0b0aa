"""`compress auto`: makes every variant asked for, measures them all in one run, and chooses the fastest that stays in the bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from workloads.compress import pareto
from workloads.compress.choice import GOALS, Bound, Choice, Goal, choose
from workloads.compress.measure import Exam, Judged, Race, Work, bytes_of
from workloads.compress.variants import REFERENCE, VARIANTS, named, write
from workloads.compress.ways import World, make

Loader = Callable[[Path], Judged]
"""Loads a model folder for questions."""
Starter = Callable[[Path, int, int], Work]
"""Loads a model folder for the race, with room for that many texts and tokens; gives what answers them."""


@dataclass(frozen=True)
class Settings:
    """What is tried and what is asked of it. The default race suits models that answer in a second or so."""

    variants: tuple[str, ...] = tuple(VARIANTS)
    bound: Bound = field(default_factory=Bound)
    goal: Goal = "both"
    rounds: int = 5
    sizes: tuple[int, ...] = (1, 8, 32)

    def __post_init__(self) -> None:
        # Said before hours of training, not after them.
        named(self.variants)
        Race(sizes=self.sizes, rounds=self.rounds)
        if self.goal not in GOALS:
            raise UsageError(f"there is no goal {self.goal!r}", allowed=", ".join(GOALS))

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "variants": list(self.variants), "sizes": list(self.sizes)}


@dataclass(frozen=True)
class Result:
    """All that was measured, and the choice."""

    choice: Choice
    variants: dict[str, dict[str, Any]]
    """Variant -> size, weights, fidelity, tasks, speed, and `step`: what it costs and gains against its parent."""
    ways: dict[str, dict[str, Any]]
    """Way -> record of how its model was made."""
    plot: str
    """The Pareto plot (SVG)."""

    def to_json(self) -> dict[str, Any]:
        front = pareto.front(_points(self.variants, self.choice))
        return {"choice": self.choice.to_json(), "front": front, "variants": self.variants, "ways": self.ways}


def auto(settings: Settings, world: World, exam: Exam, full: Path, scratch: Path, *, load: Loader, start: Starter) -> Result:
    """Make, measure and choose. `full` is the folder of the reference, `scratch` takes the others, each in a folder of its name.

    Raises ToldToStop when training was ended from outside, UsageError for unknown variants.
    """
    wanted = named(settings.variants)
    folders, ways = {REFERENCE: full}, {}
    limits = {"input_tokens": world.recipe.input_tokens, "target_tokens": world.recipe.target_tokens}
    for way in dict.fromkeys(variant.way for variant in wanted):
        model, ways[way] = make(way, world)
        for variant in wanted:
            if variant.way == way and variant.name != REFERENCE:
                folders[variant.name] = write(variant, model, world.tokenizer, scratch / variant.name, **limits)
        del model
    measured = {}
    for variant in wanted:
        # One at a time: the loaded model goes before the next one comes.
        found = exam.sit(load(folders[variant.name]))
        about = {"way": variant.way, "kind": variant.kind, "group": variant.group, "parent": variant.parent}
        measured[variant.name] = {**about, "bytes": bytes_of(folders[variant.name]), "parameters": ways[variant.way]["parameters"], **found}
        world.say(f"{variant.name}: {_summary(measured[variant.name])}")
    race = Race(sizes=settings.sizes, rounds=settings.rounds, tokens=world.recipe.target_tokens)
    speeds = race.run({name: start(folder, max(race.sizes), race.tokens) for name, folder in folders.items()})
    for variant in wanted:
        measured[variant.name]["speed"] = speeds[variant.name]
    for variant in wanted:
        if variant.parent is not None:
            measured[variant.name]["step"] = step(measured[variant.parent], measured[variant.name])
    choice = choose(measured, REFERENCE, settings.bound, settings.goal)
    plot = pareto.svg(_points(measured, choice), chosen=choice.name, bound=settings.bound.loss, title=f"Variants of {world.recipe.name}")
    return Result(choice, measured, ways, plot)


def step(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Quality, size, latency and throughput before and after one step."""
    sizes = sorted(before["speed"], key=int)
    pairs = {
        "bytes": (before["bytes"], after["bytes"]),
        "latency_ms": tuple(found["speed"][sizes[0]]["milliseconds"] for found in (before, after)),
        "tokens_per_second": tuple(found["speed"][sizes[-1]]["tokens_per_second"] for found in (before, after)),
        **{f"score {task}": (before["tasks"][task]["score"], after["tasks"][task]["score"]) for task in before["tasks"]},
    }
    return {name: {"before": first, "after": second} for name, (first, second) in pairs.items()}


def engine_work(sources: Sequence[Sequence[int]], threads: int) -> Starter:
    """Races on the engine that serves: reads as many of `sources` (token ids), over and over, as are asked for, and answers them greedily."""

    def start(folder: Path, slots: int, tokens: int) -> Work:
        from workloads.engine.load import load

        engine = load(folder, threads=threads, slots=slots, longest=tokens)

        def work(size: int, tokens: int) -> None:
            taken = engine.admit([sources[index % len(sources)] for index in range(size)])
            said = [engine.config.start] * size
            try:
                for _ in range(tokens):
                    said = [int(token) for token in engine.step_greedy(taken, said)]
            finally:
                engine.free(taken)

        return work

    return start


def table(result: Result) -> list[str]:
    """The measurements as lines for people, the chosen one marked."""
    sizes = sorted(next(iter(result.variants.values()))["speed"], key=int)
    heads = ("MB", 8), ("M weights", 11), ("lost", 9), ("agree", 8), ("exact", 8), ("KL", 10), *((f"tok/s at {size}", 14) for size in sizes)
    lines = ["  " + "variant".ljust(17) + "".join(head.rjust(width) for head, width in heads)]
    for name, found in result.variants.items():
        fidelity = found["fidelity"]
        lines.append(
            f"{'>' if name == result.choice.name else ' '} {name:<17}{found['bytes'] / 1e6:>8.1f}{found['parameters'] / 1e6:>11.2f}{_lost(found):>9.2%}"
            f"{fidelity['agreement']:>8.1%}{fidelity['exact_match']:>8.1%}{fidelity['kl']:>10.5f}"
            + "".join(f"{found['speed'][size]['tokens_per_second']:>14.0f}" for size in sizes)
        )
    return [*lines, f"chosen: {result.choice.name}: {result.choice.why}"]


def _lost(found: Mapping[str, Any]) -> float:
    """What the worst task loses."""
    return max(about["loss"] for about in found["tasks"].values())


def _points(measured: Mapping[str, Mapping[str, Any]], choice: Choice) -> list[pareto.Point]:
    return [pareto.Point(name, _lost(found), choice.speedups[name], found["bytes"]) for name, found in measured.items()]


def _summary(found: Mapping[str, Any]) -> str:
    tasks = ", ".join(f"{task} {about['score']:.3f} ({about['loss']:+.2%} lost)" for task, about in found["tasks"].items())
    return f"{found['bytes'] / 1e6:.1f} MB, {found['fidelity']['agreement']:.1%} of tokens agree; {tasks}"
