"""Markdown for a pull request: the verdict, what stands in the way and what to do, then a folded table of all rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from infra.cli.formats import named

if TYPE_CHECKING:
    from infra.artifacts import Decision, RuleResult, WaiverUse

LONGEST = 60_000
"""Characters; a forge cuts or refuses a comment of 65,536."""
_NAMED = 8
"""Subjects named for one reason; the decision file names them all."""
_WORDS = {"allowed": "allowed", "denied": "**denied**", "undecided": "**undecided**"}


def render(decisions: Sequence[Decision], *, program: str = "") -> str:
    """One comment for all decisions, cut with a word about it where it would be too long."""
    lines = [
        "### Falaj gate",
        "",
        "| plan | environment | verdict | judgements | failed | unknown | waived | plan digest |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_summary(decision) for decision in decisions]
    for decision in decisions:
        lines += [line for rule in decision.rules for line in _trouble(decision, rule)]
        lines += ["", *(f"- fault in `{decision.subject}`: {_safe(fault)}" for fault in decision.faults)] if decision.faults else []
        lines += ["", *(_waiver(waiver) for waiver in decision.waivers)] if decision.waivers else []
    text = "\n".join([*lines, "", *_table(decisions)]) + "\n"
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit("\n", 1)[0] + "\n\n... and more: see the decision file of this run.\n"


def _summary(decision: Decision) -> str:
    judged, failed, unknown, waived = (sum(len(getattr(rule, part)) for rule in decision.rules) for part in ("judged", "fail", "unknown", "waived"))
    return (
        f"| {_safe(decision.subject)} | {decision.environment} | {_WORDS[decision.verdict]} | {judged} | {failed} | {unknown} | {waived} "
        f"| `{decision.subject_digest[7:19]}` |"
    )


def _waiver(waiver: WaiverUse) -> str:
    what = f"parameter {_safe(waiver.parameter)}" if waiver.parameter else f"{_safe(waiver.rule)} of {_safe(named(waiver.resource))}"
    of = f"{what}, owner {_safe(waiver.owner)}, until {_safe(waiver.expires)}"
    return f"- waiver {_safe(waiver.id)} ({waiver.state}): {of}" + (f"; {_safe(waiver.why)}" if waiver.why else "")


def _trouble(decision: Decision, rule: RuleResult) -> list[str]:
    """Equal reasons stand on one line with the subjects they are true of: a loop's fifty buckets are one finding to a reader."""
    found: dict[str, list[str]] = {}
    for words, part in (("", rule.fail), ("not known: ", rule.unknown), ("judged again by `up`: ", rule.deferred)):
        for subject, reasons in sorted(part.items()):
            for reason in reasons:
                waiver = f" (waived by `{rule.waived[subject]}`)" if part is rule.fail and subject in rule.waived else ""
                found.setdefault(f"{words}{_safe(reason)}{waiver}", []).append(_safe(named(subject)))
    if not found:
        return []
    lines = ["", f"#### {rule.rule} ({rule.check}, {rule.severity}{', advisory' if rule.level == 'advisory' else ''}): {_safe(rule.title)}", ""]
    for reason, subjects in found.items():
        more = f" and {len(subjects) - _NAMED} more" if len(subjects) > _NAMED else ""
        lines += [f"- {reason}", f"  - {_safe(decision.subject)}: {', '.join(subjects[:_NAMED])}{more}"]
    return [*lines, "", f"Next: {_safe(rule.remediation)} Runbook: `runbooks/{rule.runbook}.md`."]


def _table(decisions: Sequence[Decision]) -> list[str]:
    totals: dict[str, list[int]] = {}
    for decision in decisions:
        for rule in decision.rules:
            row = totals.setdefault(f"{decision.kind}/{rule.rule}", [0, 0, 0])
            for place, part in enumerate((rule.judged, rule.fail, rule.unknown)):
                row[place] += len(part)
    rows = [f"| `{rule}` | {judged} | {failed} | {unknown} |" for rule, (judged, failed, unknown) in totals.items()]
    return [f"<details><summary>{len(totals)} rules</summary>", "", "| rule | judged | failed | unknown |", "|---|---|---|---|", *rows, "", "</details>"]


def _safe(text: str) -> str:
    """`text` on one line, with nothing a forge would take for markup, a mention or a link to an issue."""
    one_line = " ".join(text.split())
    for character in "\\`*_[]<>|":
        one_line = one_line.replace(character, "\\" + character)
    return one_line.replace("@", "@\u200b").replace("#", "\\#")
