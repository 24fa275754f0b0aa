"""What a search may change of a recipe, and within which bounds."""

from __future__ import annotations

import contextlib
import itertools
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from falaj.canonical import digest
from falaj.errors import FalajError, UsageError
from workloads.recipes import Recipe

_WHOLE = frozenset({"batch", "warmup_steps", "most_steps", "input_tokens", "window"})
_REAL = frozenset({"learning_rate"})
_MIX = "mix."
TUNABLE = (*sorted(_WHOLE | _REAL), f"{_MIX}TASK")
"""What may be searched. Lengths of targets are not: the loss is counted over their tokens, and two counts cannot be compared."""
_KEYS = frozenset({"low", "high", "step", "log"})
_MOST_POINTS = 100_000
_FORM = "a list of values, or low and high with step or log"


@dataclass(frozen=True)
class Range:
    """The values of one parameter: `choices`, or from `low` to `high`, in steps or evenly in the logarithm."""

    choices: tuple[float, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False

    def to_json(self) -> Any:
        if self.choices:
            return list(self.choices)
        return {"low": self.low, "high": self.high} | ({"step": self.step} if self.step else {}) | ({"log": True} if self.log else {})


@dataclass(frozen=True)
class Space:
    """Parameter -> where it is looked for."""

    ranges: Mapping[str, Range]

    def to_json(self) -> dict[str, Any]:
        return {name: found.to_json() for name, found in sorted(self.ranges.items())}

    @property
    def digest(self) -> str:
        return digest(self.to_json())

    def ask(self, trial: Any) -> dict[str, float]:
        """The values that an Optuna trial stands for; chosen now where they were not before."""
        found: dict[str, float] = {}
        for name, each in sorted(self.ranges.items()):
            if each.choices:
                found[name] = trial.suggest_categorical(name, list(each.choices))
            elif _is_whole(name):
                found[name] = trial.suggest_int(name, int(each.low), int(each.high), step=int(each.step or 1), log=each.log)
            else:
                found[name] = trial.suggest_float(name, each.low, each.high, step=each.step, log=each.log)
        return found

    def points(self, seed: int) -> list[dict[str, float]]:
        """Every point of the space once, in an order that follows from `seed`. Raises UsageError where there is no end of them."""
        axes: list[list[float]] = []
        for name, each in sorted(self.ranges.items()):
            if not each.choices and (each.log or not (each.step or _is_whole(name))):
                raise UsageError(
                    f"{name} has no grid",
                    given=str(each.to_json()),
                    allowed="a list of values, or low, high and step",
                    why="a grid tries every value, and a range without steps has no end of them",
                    next="list the values, or take the sampler random or tpe",
                )
            axes.append(list(each.choices) or _steps(each, whole=_is_whole(name)))
        if (number := math.prod(map(len, axes))) > _MOST_POINTS:
            raise UsageError("the grid has too many points", given=f"{number:,}", allowed=f"{_MOST_POINTS:,}", next="take larger steps, or the sampler tpe")
        found = [dict(zip(sorted(self.ranges), values, strict=True)) for values in itertools.product(*axes)]
        random.Random(seed).shuffle(found)
        return found


def read(path: Path, recipe: Recipe, tasks: list[str]) -> Space:
    """The space in a YAML or JSON file. Raises UsageError for one that is empty, names what cannot be searched, or holds values that `recipe` cannot take."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError("there is no space to search", given=str(path), next="write one: docs/tuning.md") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise UsageError("the space cannot be read", given=str(path), why=str(problem).splitlines()[0], next="write YAML or JSON: docs/tuning.md") from None
    return parse(value, recipe, tasks, where=str(path))


def parse(value: Any, recipe: Recipe, tasks: list[str], *, where: str = "space") -> Space:
    """The space that `value` describes: parameter -> list of values, or `{low, high, step | log}`. Raises as `read` does."""
    if not isinstance(value, dict) or not value:
        raise UsageError("the space is empty", given=where, allowed=f"at least one of {', '.join(TUNABLE)}", why="there is nothing to look for in it")
    space = Space({str(name): _range(str(name), each, where) for name, each in value.items() if _allowed(str(name), tasks, where)})
    for name, each in space.ranges.items():
        for extreme in each.choices or (each.low, each.high):
            try:
                changed(recipe, {name: extreme})
            except FalajError as problem:
                raise UsageError(f"{name} cannot be {extreme}", given=where, allowed=problem.answers().get("allowed"), why=problem.what) from None
    return space


def changed(recipe: Recipe, values: Mapping[str, float], *, name: str = "") -> Recipe:
    """`recipe` with `values` in the place of its own, called `name` where one is given. Raises UsageError for what no recipe can have."""
    mix = {key.removeprefix(_MIX): float(value) for key, value in values.items() if key.startswith(_MIX)}
    own: dict[str, Any] = {key: int(value) if key in _WHOLE else float(value) for key, value in values.items() if not key.startswith(_MIX)}
    for key, least in (("learning_rate", 0), ("most_steps", 0), ("input_tokens", 0), ("warmup_steps", -1)):
        if key in own and own[key] <= least:
            raise UsageError(f"{key} is too small", allowed=f"more than {least}")
    if any(weight < 0 for weight in mix.values()):
        raise UsageError("a task's weight is below 0", allowed="0 or more")
    return replace(recipe, **own, mix={**recipe.mix, **mix}, name=name or recipe.name)


def _allowed(name: str, tasks: list[str], where: str) -> bool:
    if name.startswith(_MIX):
        if (task := name.removeprefix(_MIX)) not in tasks:
            raise UsageError(f"there is no task {task!r} to weigh", given=f"{where}: {name}", allowed=", ".join(f"{_MIX}{each}" for each in tasks))
    elif name not in _WHOLE | _REAL:
        raise UsageError(
            f"{name!r} cannot be searched",
            given=where,
            allowed=", ".join(TUNABLE),
            why="either no recipe has it, or trials that differ in it cannot be compared",
            next="take it out of the space, or set it in the recipe",
        )
    return True


def _range(name: str, value: Any, where: str) -> Range:
    def wrong(why: str) -> UsageError:
        return UsageError(f"the range of {name} cannot be used", given=f"{where}: {value!r}", allowed=_FORM, why=why)

    def number(each: Any) -> float:
        if isinstance(each, str):  # how YAML reads 1e-3
            with contextlib.suppress(ValueError):
                each = float(each)
        if isinstance(each, bool) or not isinstance(each, int | float) or not math.isfinite(each):
            raise wrong(f"{each!r} is no number")
        if _is_whole(name) and each != int(each):
            raise wrong(f"{each!r} is no whole number")
        return int(each) if _is_whole(name) else float(each)

    if isinstance(value, list):
        found = tuple(number(each) for each in value)
        if not found or len(set(found)) != len(found):
            raise wrong("it lists a value twice" if found else "it lists no value")
        return Range(choices=found)
    if not isinstance(value, dict) or not {"low", "high"} <= set(value) <= _KEYS:
        raise wrong("it is neither a list nor has it low and high")
    low, high, log = number(value["low"]), number(value["high"]), value.get("log", False)
    step = number(value["step"]) if "step" in value else None
    if not isinstance(log, bool):
        raise wrong("log is true or false")
    if low >= high:
        raise wrong("low is not below high")
    if log and (low <= 0 or step is not None):
        raise wrong("a logarithm starts above 0" if low <= 0 else "log and step do not go together")
    if step is not None and not 0 < step <= high - low:
        raise wrong("the step is not within the range")
    return Range(low=low, high=high, step=step, log=log)


def _steps(each: Range, *, whole: bool) -> list[float]:
    step = each.step or 1
    number = int((each.high - each.low) / step + 1e-9) + 1
    return [each.low + place * step if whole else round(each.low + place * step, 12) for place in range(number)]


def _is_whole(name: str) -> bool:
    return name in _WHOLE
