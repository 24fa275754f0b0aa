"""A Pulumi policy pack in Python that asks the same rules in the CLI's own run, so that a bare `pulumi up --policy-pack` is judged too.

`runner.py` and `main.py` of this folder go into the pack as they are; the rules, their parameters and what is known of each go beside them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from falaj.files import write_durably, write_json
from falaj.home import ROOT
from infra.pipeline.asking import collectors
from infra.pipeline.flat import compact
from infra.pipeline.library import Library, Rule
from infra.pipeline.reviewed import reviewed
from infra.policy_build.admissible import modules_of

_HERE = Path(__file__).parent
_FILES = {"__main__.py": "main.py", "runner.py": "runner.py"}
_JOINS = re.compile(
    r"plan\.referred|property_dependencies|lib\.(buckets|namespaces|stores)"
    r"|count\((plan\.of_type|adrift)|contains name|watches_at|budgets|in_network"
)
_PROJECT = """description: The rules of Falaj for environment {environment}; policies {digest}
runtime:
  name: python
  options:
    virtualenv: venv
"""
_README = """# Falaj's rules as a Pulumi policy pack

Parameters of environment `{environment}`; policies {digest}.

    python -m venv venv && venv/bin/pip install --require-hashes -r requirements.txt
    pulumi preview --policy-pack .

Rules that need one resource only are asked of each before its step, with the values then known; rules that join resources are asked of all,
at the end of the preview. Not known here, unlike in `falaj gate`: waivers, approvals, checkov's findings, what a run would delete.
"""


def write(library: Library, environment: str, out: Path) -> list[Path]:
    """Write the pack; the paths, sorted. Equal input gives equal bytes.

    Raises UsageError for an environment without parameters.
    """
    written = []
    for name, source in _FILES.items():
        written.append(out / name)
        write_durably(written[-1], (_HERE / source).read_bytes())
    for name, text in {"PulumiPolicy.yaml": _PROJECT, "README.md": _README}.items():
        written.append(out / name)
        write_durably(written[-1], text.format(environment=environment, digest=library.digest).encode())
    written.append(out / "requirements.txt")
    write_durably(written[-1], (ROOT / "requirements" / "policy_pack.txt").read_bytes())
    written.append(out / "rules.json")
    write_json(written[-1], data(library, environment))
    return sorted(written)


def data(library: Library, environment: str) -> dict[str, Any]:
    """What the runner reads: the rules in the form that the embedded engine reads fastest, parameters, and of each plan rule what Pulumi shows of it."""
    text, asked = compact(modules(library), "data.falaj.gate.plan.answers")
    rules, names = library.of_kind("plan"), _frameworks(library)
    known = {type for rule in rules for type in (*rule.subjects, *rule.reads) if "*" not in type} | set(reviewed(library))
    return {
        "environment": environment,
        "policy_digest": library.digest,
        "parameters": library.parameters(environment),
        "rego": text,
        "asked": asked,
        "types": sorted(known),
        "rules": [_shown(rule, names) for rule in rules],
    }


def modules(library: Library) -> dict[str, str]:
    """Package or path -> Rego text of what asks all plan rules at once, and of everything that they stand on."""
    asked = {path: text for rule in library.of_kind("plan") for path, text in modules_of(library, rule).items()}
    return {**asked, "gate/plan.rego": collectors(library)["gate/plan.rego"]}


def is_alone(rule: Rule) -> bool:
    """Whether the rule's answer on a resource needs no other resource than its provider; where in doubt, it does."""
    text = rule.path.read_text(encoding="utf-8")
    return _JOINS.search(text[text.index("\npackage ") :]) is None


def _frameworks(library: Library) -> dict[str, str]:
    """Framework -> name, one edition of ISO/IEC 27001 first: Pulumi shows one framework of each policy."""
    paths = sorted((library.folder / "catalogues").glob("*.yaml"), key=lambda path: (path.stem != "iso27001", path.stem))
    names = {path.stem: re.search(r"^name: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE) for path in paths}
    return {framework: name[1] for framework, name in names.items() if name}


def _shown(rule: Rule, names: dict[str, str]) -> dict[str, Any]:
    first = next((framework for framework in names if framework in rule.controls), None)
    return {
        "id": rule.id,
        "title": rule.title,
        "description": " ".join(rule.description.split()),
        "severity": rule.severity,
        "level": rule.level,
        "unknown": rule.unknown,
        "effective_on": rule.effective_on,
        "remediation": rule.remediation,
        "alone": is_alone(rule),
        "framework": {"name": names[first], "reference": ", ".join(rule.controls[first])} if first else None,
        "tags": [rule.check, *(f"{framework}:{control}" for framework, controls in sorted(rule.controls.items()) for control in controls)],
    }
