"""Tests of rules, as `falaj policy test` runs them: lint, samples with whole answers, and the Rego tests beside each rule."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.authoring.lint import lint
from infra.authoring.samples import VERDICTS, answers, samples
from infra.pipeline.library import Library, Rule
from infra.pipeline.policy_engine import EvaluationFailed, PolicyEngine

_TEST = re.compile(r"^(test_\w+) if", re.MULTILINE)


@dataclass
class Outcome:
    """What the tests of one rule came to."""

    rule: str
    samples: int = 0
    tests: int = 0
    wrong: list[str] = field(default_factory=list)


def check(library: Library, rules: Sequence[Rule], engine: PolicyEngine) -> list[Outcome]:
    """Test `rules` on `engine`: each must have samples and tests of all three verdicts, and give exactly what they promise."""
    tests = _with_tests(library)
    return [_rule(library, rule, engine, tests) for rule in rules]


def opa_check(library: Library, opa: Path) -> list[str]:
    """What OPA's own tools complain about: compile errors, format, failing tests, and lines that no test and no sample reaches."""
    with tempfile.TemporaryDirectory(prefix="falaj-rules-") as name:
        folder = Path(name)
        for path, text in {**_with_tests(library), **samples_as_tests(library)}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        found = _complaints(opa, ["check", "--strict", str(folder)]) + _complaints(opa, ["test", str(folder)])
        found += [] if found else _uncovered(opa, folder)
    return found + _complaints(opa, ["fmt", "--fail", "--list", str(library.folder)])


def samples_as_tests(library: Library) -> dict[str, str]:
    """A Rego test module per rule that holds its samples, so that OPA's coverage counts them."""
    made = {}
    for rule in library.rules:
        lines = [f"package {rule.package}_samples_test", "", "import rego.v1", "", f"import data.{rule.package} as rule", "", "answer := {"]
        lines += ['\t"judged": {subject | some subject in rule.judged},']
        lines += [f'\t"{part}": {{subject: why | some subject, why in rule.{part}}},' for part in ("fail", "unknown")] + ["}", ""]
        for number, sample in enumerate(samples(library, [rule])):
            judged = json.dumps(sample.expect["judged"])
            parts = [
                f'"{part}": {{{", ".join(f"{json.dumps(urn)}: {_set(why)}" for urn, why in sample.expect[part].items())}}}' for part in ("fail", "unknown")
            ]
            expected = f'{{"judged": {_set(sample.expect["judged"])}, {", ".join(parts)}}}' if judged != "[]" else "{}"
            lines += [f"test_sample_{number} if answer == {expected} with input as {json.dumps(sample.input)}", ""]
        made[f"{rule.kind}/{rule.id}/{rule.id}_samples_test.rego"] = "\n".join(lines)
    return made


def _set(values: Sequence[str]) -> str:
    return f"{{{', '.join(json.dumps(value) for value in values)}}}" if values else "set()"


def _complaints(opa: Path, command: Sequence[str]) -> list[str]:
    done = subprocess.run([str(opa), *command], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return [f"opa {' '.join(command[:-1])}: {' '.join(said[-12:])[:600]}"]


def _uncovered(opa: Path, folder: Path) -> list[str]:
    done = subprocess.run([str(opa), "test", "--coverage", "--format", "json", str(folder)], capture_output=True, text=True, check=False)
    files = json.loads(done.stdout)["files"]
    found = []
    for name, file in sorted(files.items()):
        if name.endswith("_test.rego"):
            continue
        path = Path(name).relative_to(folder).as_posix() if Path(name).is_absolute() else name
        found += [f"{path}:{row}: no test reaches this line" for row in sorted({rows["start"]["row"] for rows in file.get("not_covered", [])})]
    return found


def _rule(library: Library, rule: Rule, engine: PolicyEngine, tests: dict[str, str]) -> Outcome:
    outcome = Outcome(rule.id)
    here = rule.path.parent
    outcome.wrong += [str(finding) for finding in lint(sorted(here.glob("*.rego")))]
    mine = samples(library, [rule])
    outcome.samples = len(mine)
    for sample in mine:
        try:
            given = answers(library, engine, rule.kind, sample.input)[rule.id]
        except EvaluationFailed as problem:
            outcome.wrong.append(f"sample '{sample.case}' ({sample.verdict}): no answer: {problem}")
            continue
        if given != sample.expect:
            parts = [
                f"{part} is {given[part]}, promised {sample.expect.get(part)}"
                for part in ("judged", "fail", "unknown")
                if given[part] != sample.expect.get(part)
            ]
            outcome.wrong.append(f"sample '{sample.case}' ({sample.verdict}): {'; '.join(parts)}")
        elif not _is(sample.verdict, given):
            outcome.wrong.append(f"sample '{sample.case}' does not belong in {sample.verdict}.json")
    path = here / f"{rule.id}_test.rego"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = _TEST.findall(text)
    outcome.tests = len(found)
    outcome.wrong += [f"{path.name} has no test_{verdict}_..." for verdict in VERDICTS if not any(name.startswith(f"test_{verdict}_") for name in found)]
    for name in found:
        try:
            held = engine.evaluate(tests, "with tests", f"data.{rule.package}_test.{name}", {}) is True
        except EvaluationFailed as problem:
            outcome.wrong.append(f"{name}: {problem}")
            continue
        if not held:
            outcome.wrong.append(f"{name} does not hold")
    return outcome


def _is(verdict: str, given: dict[str, object]) -> bool:
    failed, unclear = bool(given["fail"]), bool(given["unknown"])
    return {"allowed": not failed and not unclear, "denied": failed and not unclear, "unknown": unclear and not failed}[verdict]


def _with_tests(library: Library) -> dict[str, str]:
    return {path.relative_to(library.folder).as_posix(): path.read_text(encoding="utf-8") for path in sorted(library.folder.rglob("*.rego"))}
