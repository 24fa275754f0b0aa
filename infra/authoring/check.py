"""Tests of rules, as `falaj policy test` runs them: lint, samples with whole answers, and the Rego tests beside each rule."""

from __future__ import annotations

import re
import subprocess
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


def opa_check(library: Library, opa: Path, *, coverage: bool = True) -> list[str]:
    """What OPA's own tools complain about: compile errors, format, failing tests, and lines that no test reaches."""
    folder = str(library.folder)
    commands = [["check", "--strict", folder], ["fmt", "--fail", "--list", folder], ["test", folder]]
    # Tests of one rule may not be the ones that reach a line of a helper, so coverage is asked of the whole.
    commands += [["test", "--coverage", "--threshold", "100", "--format", "json", folder]] if coverage else []
    found = []
    for arguments in commands:
        # JSON samples are no data documents: two of one folder would clash.
        ignored = ["--ignore", "*.json", "--ignore", "*.yaml"] if arguments[0] in ("check", "test") else []
        done = subprocess.run([str(opa), *arguments[:-1], *ignored, folder], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            found.append(f"opa {' '.join(arguments[:-1])}: {' '.join(said[-12:])[:600]}")
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
