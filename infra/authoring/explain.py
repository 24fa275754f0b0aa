"""One rule in words: what it holds, whom it judges, what to do, by which numbers of which environment, and for which controls."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

from falaj.errors import UsageError
from infra.audit.catalogues import frameworks, load_catalogue
from infra.authoring.samples import samples
from infra.pipeline.library import Library, Rule

_PARAMETERS = re.compile(r"input\.parameters((?:\.[a-z_0-9]+)+)")


def find(library: Library, id: str) -> Rule:
    """The rule called `id`, with or without its kind before it. Raises UsageError where there is none, naming the nearest."""
    for rule in library.rules:
        if id in (rule.id, f"{rule.kind}/{rule.id}"):
            return rule
    import difflib

    near = difflib.get_close_matches(id, [rule.id for rule in library.rules], n=3)
    raise UsageError(f"there is no rule '{id}'", given=id, allowed=", ".join(near) or "see docs/policies/README.md", next="name one of these")


def parameters_of(library: Library, rule: Rule, environment: str) -> dict[str, Any]:
    """The parameters that the rule reads, dotted, with their values in `environment`."""
    values, found = library.parameters(environment), {}
    for path in sorted({match.lstrip(".") for match in _PARAMETERS.findall(rule.path.read_text(encoding="utf-8"))}):
        value: Any = values
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        found[path] = value
    return found


def describe(library: Library, rule: Rule, environment: str) -> dict[str, Any]:
    """Everything about one rule, for printing or as JSON."""
    reasons = [
        (sample.verdict, sample.case, sorted({why for part in ("fail", "unknown") for all in sample.expect[part].values() for why in all}))
        for sample in samples(library, [rule])
    ]
    return {
        "rule": f"{rule.kind}/{rule.id}",
        "title": rule.title,
        "why": " ".join(rule.description.split()),
        "check": rule.check,
        "severity": rule.severity,
        "level": rule.level,
        "unknown": rule.unknown,
        "since": rule.since,
        "effective_on": rule.effective_on,
        "judges": list(rule.subjects),
        "reads": list(rule.reads),
        "evidence": rule.evidence,
        "remediation": rule.remediation,
        "runbook": f"runbooks/{rule.runbook}.md",
        "parameters": parameters_of(library, rule, environment),
        "controls": {
            name: {control.id: _mapping(control, rule.id) for control in load_catalogue(name).controls if _mapping(control, rule.id)} for name in frameworks()
        },
        "samples": [{"verdict": verdict, "case": case, "says": says} for verdict, case, says in reasons],
    }


def show(about: dict[str, Any], environment: str) -> str:
    """What `describe` found, for a person."""
    lines = [f"{about['rule']}  {about['title']}", "", *textwrap.wrap(about["why"], 110), ""]
    force = f"{about['level']} since {about['effective_on']}; an unknown {'denies' if about['unknown'] == 'deny' else 'is judged again by up'}"
    rows = [("check", f"{about['check']}, {about['severity']}"), ("force", force), ("judges", ", ".join(about["judges"]) or "what it reads, where it applies")]
    rows += [("reads", ", ".join(about["reads"]))] if about["reads"] else []
    rows += [("next", about["remediation"]), ("runbook", about["runbook"]), ("evidence", about["evidence"])]
    lines += [f"{name:<9} {value}" for name, value in rows]
    if about["parameters"]:
        lines += ["", f"By the parameters of {environment}:", *(f"  {path} = {json.dumps(value)}" for path, value in about["parameters"].items())]
    controls = [(name, id, found) for name, ids in about["controls"].items() for id, found in ids.items()]
    if controls:
        lines += ["", "Controls, by our own judgement:", *(f"  {name} {id} ({found['strength']}): {found['why']}" for name, id, found in controls)]
    lines += [
        "",
        "Samples:",
        *(f"  {sample['verdict']:<8} {sample['case']}" + "".join(f"\n           - {says}" for says in sample["says"]) for sample in about["samples"]),
    ]
    return "\n".join(lines)


def _mapping(control: Any, rule: str) -> dict[str, str]:
    return next(({"strength": mapping.strength, "why": mapping.why} for mapping in control.rules if mapping.rule == rule), {})
