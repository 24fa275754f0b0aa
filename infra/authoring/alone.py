"""One rule alone with the helpers it needs: thousands of questions in the time that the whole library takes for a few."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.pipeline.library import Library, Rule
from infra.pipeline.policy_engine import EvaluationFailed, PolicyEngine
from infra.pipeline.shapes import misshapen

_IMPORT = re.compile(r"^import data\.falaj\.lib\.(\w+)", re.MULTILINE)
_QUESTION = """package falaj.alone

import rego.v1

answer := {{
	"judged": {{subject | some subject in data.{package}.judged}},
	"fail": {{subject: why | some subject, why in data.{package}.fail}},
	"unknown": {{subject: what | some subject, what in data.{package}.unknown}},
}}
"""


@dataclass(frozen=True)
class Answer:
    """What one rule says: subjects it judged, and the reasons against some of them."""

    judged: frozenset[str] = frozenset()
    fail: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unknown: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def passes(self) -> bool:
        """It judged something, nothing failed and nothing is unknown."""
        return bool(self.judged) and not self.fail and not self.unknown


class Alone:
    """Asks one rule. `texts` lays other Rego texts (by relative path) over the library's."""

    def __init__(self, library: Library, rule: Rule, engine: PolicyEngine, texts: Mapping[str, str] | None = None) -> None:
        self.rule = rule
        self._library = library
        self._engine = engine
        self._digest = library.digest
        self._modules = {**modules_of(library, rule), **(texts or {}), "alone.rego": _QUESTION.format(package=rule.package)}

    def ask(self, input: Mapping[str, Any]) -> Answer:
        """What the rule says of `input`. Raises EvaluationFailed where there is no answer, or the input is misshapen: the gate denies both."""
        if wrong := misshapen(self._library, self.rule.kind, input):
            raise EvaluationFailed(wrong[0])
        said = self._engine.evaluate(self._modules, self._digest, "data.falaj.alone.answer", input)
        return Answer(frozenset(map(str, said["judged"])), *({urn: sorted(why) for urn, why in sorted(said[part].items())} for part in ("fail", "unknown")))


def modules_of(library: Library, rule: Rule) -> dict[str, str]:
    """Relative path -> Rego text of the rule and of the helpers that it imports, and those of theirs."""
    path = f"{rule.kind}/{rule.id}/{rule.id}.rego"
    found, left = {path: library.modules[path]}, [path]
    while left:
        for name in _IMPORT.findall(found[left.pop()]):
            helper = f"lib/{name}.rego"
            if helper not in found:
                found[helper] = library.modules[helper]
                left.append(helper)
    return found


def needed(rule: Rule, resources: Sequence[Mapping[str, Any]], judged: Iterable[str]) -> list[Mapping[str, Any]]:
    """The resources that a plan rule can have looked at: those it judged, those of its types, their providers, and all they refer to."""
    by_urn = {resource["urn"]: resource for resource in resources}
    kept: set[str] = set()
    left = [*judged, *(urn for urn, resource in by_urn.items() if concerns(rule, resource["type"]) or resource["type"].startswith("pulumi:providers:"))]
    while left:
        urn = left.pop()
        if urn in kept or urn not in by_urn:
            continue
        kept.add(urn)
        left += [each for found in by_urn[urn]["property_dependencies"].values() for each in found]
    return [resource for urn, resource in by_urn.items() if urn in kept]


def concerns(rule: Rule, type: str) -> bool:
    """Whether the rule names `type` as one it judges or joins."""
    named = [*rule.subjects, *rule.reads]
    return type in named or any(each.endswith("*") and type.startswith(each[:-1]) for each in named)
