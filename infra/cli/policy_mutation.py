"""What `falaj policy test --mutation` prints: how many changes of what passes, and of the rules themselves, were noticed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from falaj.errors import Denied
from infra.cli.output import emit, progress, table
from infra.pipeline.library import Library, Rule
from infra.pipeline.policy_engine import PolicyEngine


def report(library: Library, rules: Sequence[Rule], engine: PolicyEngine, *, as_json: bool) -> None:
    """Mutate the passing documents of `rules`, and the rules; print the scores. Raises Denied where a change of a document survived unexplained."""
    from infra.authoring.alone import Alone
    from infra.authoring.mutation import score
    from infra.authoring.rego_mutation import kill
    from infra.cli.own_plans import own_plans

    plans = own_plans() if any(rule.kind == "plan" for rule in rules) else []
    found: list[dict[str, Any]] = []
    for number, rule in enumerate(rules, 1):
        documents, texts = score(library, rule, plans, Alone(library, rule, engine)), kill(library, rule, engine)
        found.append(
            {
                "rule": rule.id,
                "documents": documents.bases,
                "judged": documents.made,
                "held": documents.held,
                "changes": documents.breaking,
                "noticed": documents.noticed,
                "unknowns": documents.unknowns,
                "never_passed": documents.never_passed,
                "explained": documents.explained,
                "unexplained": len(documents.open),
                "survivors": sorted({each.key for each in documents.open}),
                "mutants": texts.mutants,
                "killed": texts.killed,
                "alive": [f"{rule.id}.rego:{mutant.line}: {mutant.what}" for mutant in texts.alive],
            }
        )
        progress(f"{number} of {len(rules)}: {rule.id}")
    counted = ("judged", "held", "changes", "noticed", "explained", "unexplained", "unknowns", "never_passed", "mutants", "killed")
    total = {key: sum(one[key] for one in found) for key in counted}
    survivors = [key for one in found for key in one["survivors"]]
    emit({"rules": found, "total": total}, as_json, lambda: _words(found, total, survivors))
    if survivors:
        raise Denied(
            f"{len(survivors)} kinds of changes survived and nobody has said why",
            given=survivors[0],
            next="mend the rule, or say in infra/authoring/equivalents.yaml why the control stands as it stood",
        )


def _words(found: Sequence[dict[str, Any]], total: dict[str, int], survivors: Sequence[str]) -> str:
    heading = ["rule", "changes judged", "places held", "breaking, noticed", "explained", "unknown, never a pass", "rule mutants killed"]
    rows = [
        [
            str(one["rule"]),
            str(one["judged"]),
            str(one["held"]),
            f"{one['noticed']} of {one['changes']}",
            str(one["explained"]),
            f"{one['never_passed']} of {one['unknowns']}",
            f"{one['killed']} of {one['mutants']}",
        ]
        for one in [*found, {"rule": "all", **total}]
    ]
    alive = [line for one in found for line in one["alive"]]
    return "\n".join(
        [
            table(rows, heading),
            "",
            f"{total['judged']} single changes of documents that pass; {total['held']} places are held by a rule.",
            f"Of the {total['changes'] + total['unknowns']} changes of those, {total['noticed'] + total['never_passed']} are noticed,"
            f" {total['explained']} leave the control as it was (infra/authoring/equivalents.yaml says why) and {total['unexplained']} survive.",
            f"Of {total['mutants']} mutants of the rules, samples and tests kill {total['killed']} ({total['killed'] / max(1, total['mutants']):.1%}).",
            *([""] if survivors else []),
            *(f"survived: {each}" for each in survivors),
            *([""] if alive else []),
            *(f"alive: {each}" for each in alive),
        ]
    )
