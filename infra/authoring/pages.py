"""The pages made from the rules and the catalogues: docs/policies (what is judged) and docs/controls (what that shows to whom)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from infra.audit.catalogues import Catalogue, frameworks, load_catalogue
from infra.authoring.explain import parameters_of
from infra.authoring.samples import ENVIRONMENT
from infra.pipeline.library import KINDS, Kind, Library, Rule

MADE = "<!-- Made by `falaj policy docs`; edit the rules and catalogues, then run it again. -->\n\n"
_OF_KIND: Mapping[Kind, str] = {
    "plan": "Judged before anything is made: a plan's AWS resources and Kubernetes objects.",
    "release": "Judged before a model is registered: the candidate that evaluation wrote, and the digests seen on disk.",
    "repository": "Judged in CI: workflows, images, locks and registers of a repository (`falaj gate --repository`).",
    "evidence": "Judged on dated documents about what people and machines did (`falaj gate --evidence FOLDER`); a missing or stale one fails.",
}


def pages(library: Library) -> dict[str, str]:
    """Path below docs/ -> text."""
    made = {"policies/README.md": _index(library)}
    made |= {f"policies/{kind}.md": _kind(library, kind) for kind in KINDS if library.of_kind(kind)}
    made |= {f"controls/{name}.md": _framework(load_catalogue(name), library) for name in frameworks()}
    return made


def stale(library: Library, docs: Path) -> list[str]:
    """Pages that are not what the rules say now, and pages of rules that are gone."""
    made = pages(library)
    changed = [name for name, text in made.items() if not (docs / name).exists() or (docs / name).read_text(encoding="utf-8") != text]
    there = {path.relative_to(docs).as_posix() for folder in ("policies", "controls") for path in (docs / folder).glob("*.md")}
    return sorted({*changed, *(there - set(made))})


def write(library: Library, docs: Path) -> list[str]:
    """Write every page that differs and remove those of nothing; returns their names."""
    made = pages(library)
    changed = stale(library, docs)
    for name in changed:
        path = docs / name
        if name not in made:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[name], encoding="utf-8")
    return changed


def _index(library: Library) -> str:
    counts = ", ".join(f"{len(library.of_kind(kind))} {kind}" for kind in KINDS if library.of_kind(kind))
    lines = ["# The rules", "", f"{len(library.rules)} rules: {counts}. Controls are our own mapping, not a certification.", ""]
    lines += ["A rule says of each subject that it failed, or that it cannot tell; what is left passed. `falaj policy explain RULE` says all of one rule.", ""]
    for kind in KINDS:
        rules = library.of_kind(kind)
        if not rules:
            continue
        lines += [
            f"## {kind.capitalize()}",
            "",
            _OF_KIND[kind],
            "",
            "| rule | check | severity | level | what it holds | controls |",
            "|---|---|---|---|---|---|",
        ]
        for rule in rules:
            lines.append(f"| [`{rule.id}`]({kind}.md#{rule.id}) | {rule.check} | {rule.severity} | {rule.level} | {rule.title} | {_controls(rule)} |")
        lines.append("")
    checks: dict[str, list[str]] = {}
    for rule in library.rules:
        checks.setdefault(rule.check, []).append(rule.id)
    lines += [
        "## By check",
        "",
        "| check | rules |",
        "|---|---|",
        *(f"| {check} | {', '.join(f'`{id}`' for id in ids)} |" for check, ids in sorted(checks.items())),
    ]
    return MADE + "\n".join(lines) + "\n"


def _kind(library: Library, kind: Kind) -> str:
    lines = [f"# Rules on a {kind}" if kind != "evidence" else "# Rules on evidence", "", _OF_KIND[kind], ""]
    for rule in library.of_kind(kind):
        unknown = "denies" if rule.unknown == "deny" else "is judged again by `up`, on the values then known"
        lines += [f"## {rule.id}", "", f"**{rule.title}.** {' '.join(rule.description.split())}", ""]
        lines += [f"- {rule.check}, {rule.severity}, {rule.level} since {rule.effective_on}; an unknown {unknown}"]
        lines += [f"- judges {', '.join(f'`{type}`' for type in rule.subjects)}"] if rule.subjects else []
        lines += [f"- reads {', '.join(f'`{type}`' for type in rule.reads)}"] if rule.reads else []
        names = parameters_of(library, rule, ENVIRONMENT)
        lines += [f"- parameters: {', '.join(f'`{name}`' for name in names)}"] if names else []
        lines += [f"- to do: {rule.remediation}", f"- runbook: [{rule.runbook}](../../runbooks/{rule.runbook}.md)", f"- controls: {_controls(rule)}", ""]
    return MADE + "\n".join(lines).rstrip() + "\n"


def _framework(catalogue: Catalogue, library: Library) -> str:
    kinds = {rule.id: rule.kind for rule in library.rules}
    judged = sum(control.status == "judged" for control in catalogue.controls)
    lines = [f"# {catalogue.name}", "", f"Edition {catalogue.edition}, reviewed {catalogue.reviewed}. {' '.join(catalogue.disclaimer.split())}", ""]
    lines += [" ".join(catalogue.scope.split()), "", f"{judged} of {len(catalogue.controls)} controls have rules; none is shown by rules alone.", ""]
    lines += ["| control | in our words | standing | rules (strength) | what people add |", "|---|---|---|---|---|"]
    for control in catalogue.controls:
        rules = ", ".join(f"[`{item.rule}`](../policies/{kinds.get(item.rule, 'plan')}.md#{item.rule}) ({item.strength})" for item in control.rules)
        people = "; ".join(control.manual) or control.gap
        lines.append(f"| {control.id} | {_cell(control.about)} | {control.status} | {rules or '-'} | {_cell(people) or '-'} |")
    return MADE + "\n".join(lines) + "\n"


def _controls(rule: Rule) -> str:
    return "; ".join(f"{framework} {', '.join(ids)}" for framework, ids in sorted(rule.controls.items())) or "-"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
