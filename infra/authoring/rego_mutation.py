"""Mutation of rules: a line of a rule is left out, negated or changed, and its samples and tests must notice.

A mutant that no longer compiles is none. One that survives shows a line whose meaning no sample and no test holds, or a line that only
makes a rule faster.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from infra.authoring.alone import Alone, Answer, modules_of
from infra.authoring.samples import Sample, samples
from infra.pipeline.library import Library, Rule
from infra.pipeline.policy_engine import EvaluationFailed, PolicyEngine

_STRING = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`')
_COMPARISONS = {"==": "!=", "!=": "==", "<=": ">", ">=": "<", "<": ">=", ">": "<="}
_COMPARISON = re.compile(r" (==|!=|<=|>=|<|>) ")
_NUMBER = re.compile(r"(?<![\w.\[])(\d+)(?![\w.\]])")
_TEST = re.compile(r"^(test_\w+) if", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """A rule's text with one thing changed: line (from 1), what was done, the whole text."""

    line: int
    what: str
    text: str


@dataclass
class Killed:
    """What came of the mutants of one rule."""

    rule: str
    mutants: int = 0
    killed: int = 0
    alive: list[Mutant] = field(default_factory=list)


def mutants(text: str) -> list[Mutant]:
    """Every mutant of a rule's text."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("package "))
    found = []
    for number in range(first + 1, len(lines)):
        line = lines[number]
        if line.strip() and not line.lstrip().startswith(("#", "import ", "}")):
            found += [Mutant(number + 1, what, _with(lines, number, new)) for what, new in _line(line)]
    return [*found, *_without_clauses(lines, first)]


def kill(library: Library, rule: Rule, engine: PolicyEngine, *, most: int | None = None, seed: int = 4) -> Killed:
    """Ask the samples and the Rego tests of `rule` about each of its mutants; about `most`, drawn by `seed`, where it is given."""
    path = f"{rule.kind}/{rule.id}/{rule.id}.rego"
    every = mutants(library.modules[path])
    if most is not None and len(every) > most:
        every = random.Random(seed).sample(every, most)
    mine, result = samples(library, [rule]), Killed(rule.id)
    for mutant in every:
        said = _noticed(library, rule, engine, path, mutant, mine)
        if said is not None:
            result.mutants += 1
            result.killed += said
            result.alive += [] if said else [mutant]
    return result


def _noticed(library: Library, rule: Rule, engine: PolicyEngine, path: str, mutant: Mutant, mine: list[Sample]) -> bool | None:
    """Whether some sample or test notices; None for a mutant that does not compile."""
    alone = Alone(library, rule, engine, {path: mutant.text})
    try:
        alone.ask({"plan": {"resources": []}, "parameters": {}, "now": ""} if rule.kind == "plan" else mine[0].input)
    except EvaluationFailed as problem:
        if _is_stillborn(str(problem)):
            return None
    for sample in mine:
        try:
            if not _as_promised(alone.ask(sample.input), sample):
                return True
        except EvaluationFailed:
            return True
    tests = _tests(library, rule, path, mutant)
    text = (rule.path.parent / f"{rule.id}_test.rego").read_text(encoding="utf-8")
    try:
        return any(engine.evaluate(tests, library.digest, f"data.{rule.package}_test.{name}", {}) is not True for name in _TEST.findall(text))
    except EvaluationFailed:
        return True


def _tests(library: Library, rule: Rule, path: str, mutant: Mutant) -> dict[str, str]:
    helper, own = "lib/testing_test.rego", f"{rule.kind}/{rule.id}/{rule.id}_test.rego"
    beside = {name: (library.folder / name).read_text(encoding="utf-8") for name in (helper, own)}
    return {**modules_of(library, rule), path: mutant.text, **beside}


def _as_promised(answer: Answer, sample: Sample) -> bool:
    parts = {"judged": sorted(answer.judged), "fail": dict(answer.fail), "unknown": dict(answer.unknown)}
    return all(parts[name] == sample.expect[name] for name in parts)


def _is_stillborn(problem: str) -> bool:
    return any(word in problem for word in ("expecting", "unsafe", "undefined", "not defined", "could not find", "unused", "invalid", "conflict", "recursi"))


def _with(lines: list[str], number: int, new: str | None) -> str:
    made = [*lines[:number], *([] if new is None else [new]), *lines[number + 1 :]]
    return "\n".join(made) + "\n"


def _line(line: str) -> Iterator[tuple[str, str | None]]:
    bare, body = line.strip(), line.startswith("\t") and not line.endswith(("{", "(", "[", ",", "}", "|"))
    masked = _STRING.sub(lambda found: found[0][0] + "_" * (len(found[0]) - 2) + found[0][-1], line)
    if body and ":=" not in masked and not bare.startswith("some "):
        yield "left out", None
        negated = line.replace("not ", "", 1) if bare.startswith("not ") else line.replace(bare, f"not {bare}", 1)
        yield "negated", negated
    for found in _COMPARISON.finditer(masked):
        yield f"{found[1]} became {_COMPARISONS[found[1]]}", line[: found.start(1)] + _COMPARISONS[found[1]] + line[found.end(1) :]
    for word, other in (("true", "false"), ("false", "true"), ("null", '""')):
        for found in re.finditer(rf"(?<![\w.]){word}(?!\w)", masked):
            yield f"{word} became {other}", line[: found.start()] + other + line[found.end() :]
    for found in _NUMBER.finditer(masked):
        yield f"{found[1]} became {int(found[1]) + 1}", line[: found.start(1)] + str(int(found[1]) + 1) + line[found.end(1) :]
    for found in _STRING.finditer(line):
        if len(found[0]) > 2:
            yield f"{found[0]} became another", f"{line[: found.end() - 1]}~{line[found.end() - 1 :]}"
    for sign, other in ((" | ", " & "), (" & ", " | "), (" - ", " + ")):
        at = masked.find(sign)
        if at >= 0 and "some " not in masked[at:]:
            yield f"{sign.strip()} became {other.strip()}", line[:at] + other + line[at + len(sign) :]


def _without_clauses(lines: list[str], first: int) -> list[Mutant]:
    """Each clause of `judged`, `fail` and `unknown` left out whole."""
    found = []
    for number in range(first, len(lines)):
        if re.match(r"(judged|fail|unknown)\b", lines[number]):
            end = number
            if lines[number].endswith("{"):
                end = next(place for place in range(number, len(lines)) if lines[place] == "}")
            found.append(Mutant(number + 1, "the whole clause left out", "\n".join([*lines[:number], *lines[end + 1 :]]) + "\n"))
    return found
