"""`falaj gate`: judges plans by the policies, and says plainly what stands in the way."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from falaj.errors import UsageError
from falaj.files import write_durably
from infra.cli.formats import FORMATS, named, render
from infra.cli.output import emit, progress, redact, table
from infra.cli.plan import choose_engine, make, options

if TYPE_CHECKING:
    from infra.artifacts import Decision, RuleResult, WaiverUse
    from infra.engine.engine import Engine


@click.command()
@click.option("--fresh", is_flag=True, help="Plan again even where the plan at hand is up to date.")
@click.option("--checkov", is_flag=True, help="Ask checkov too; its findings count by the environment's parameter checkov.level.")
@click.option("--repository", is_flag=True, help="Judge the checkout in DIR (the current folder where left out) instead of plans.")
@click.option("--evidence", "documents", type=click.Path(path_type=Path, file_okay=False), help="Judge the evidence documents in this folder instead of plans.")
@click.option(
    "--signers", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="With --evidence: name -> public key of those whose signature counts."
)
@click.option("--format", "format", type=click.Choice(FORMATS), default="text", show_default=True, help="What to print.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file, and the text to stdout.")
@options
def gate(
    folder: Path | None,
    environment: str,
    stack: str | None,
    engine_name: str | None,
    as_json: bool,
    fresh: bool,
    checkov: bool,
    repository: bool,
    documents: Path | None,
    signers: Path | None,
    format: str,
    out: Path | None,
) -> None:
    """Judge an environment's plans, or that of the program in DIR: exit 0 allowed, 3 denied, 4 undecided.

    What was planned before is judged as it is, as long as program and state are still the same; else it is planned first.
    """
    from infra.pipeline.gate import judge_file

    if repository or documents is not None:
        from infra.cli.gate_documents import decide_evidence, decide_repository

        if checkov and not repository:
            raise UsageError(
                "checkov judges no evidence documents",
                given="--evidence with --checkov",
                allowed="--checkov for plans and with --repository",
                next="leave --checkov out",
            )
        others = [decide_repository(folder or Path.cwd(), environment, checkov=checkov)] if repository else []
        others += [decide_evidence(documents, environment, signers)] if documents is not None else []
        tell(others, "json" if as_json else format, out, folder)
        refuse_first(others)
        return
    paths = plans_at_hand(folder, environment, stack, engine_name) if not fresh else []
    if not paths:
        made = make(folder, environment, stack, engine_name)
        paths = places(folder, environment, [one.stack for one in made])
    began = time.perf_counter()
    decisions = [judge_file(path, checkov=checkov) for path in paths]
    progress(f"judged by {len(decisions[0].rules)} rules in {time.perf_counter() - began:.2f} s ({decisions[0].engine})")
    tell(decisions, "json" if as_json else format, out, folder)
    refuse_first(decisions)


def refuse_first(decisions: list[Decision]) -> None:
    """Raise Denied for the first decision that denies, else Undecided for the first that is undecided."""
    from infra.pipeline.gate import refuse_unless_allowed

    for verdict in ("denied", "undecided"):
        for decision in decisions:
            if decision.verdict == verdict:
                refuse_unless_allowed(decision)


def tell(decisions: list[Decision], format: str, out: Path | None, folder: Path | None = None) -> None:
    """Print `decisions` as `format`, or write them so to `out` and print the text."""
    documents = {"decisions": [decision.to_json() for decision in decisions]}
    if format in ("text", "json") and out is None:
        emit(documents, format == "json", lambda: show(decisions))
        return
    if format == "text":
        written = show(decisions) + "\n"
    elif format == "json":
        written = json.dumps(documents, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    else:
        written = render(decisions, format, program=os.path.relpath(folder) if folder is not None else "")
    if out is None:
        click.echo(redact(written), nl=False)
        return
    write_durably(out, redact(written).encode())
    click.echo(show(decisions))


def places(folder: Path | None, environment: str, stacks: list[str]) -> list[Path]:
    """Where the plans lie."""
    from falaj.home import stack_folder
    from infra.pipeline.plan import plan_file

    return [plan_file(folder, environment)] if folder is not None else [stack_folder(environment, stack) / "plan.json" for stack in stacks]


def plans_at_hand(folder: Path | None, environment: str, stack: str | None, engine_name: str | None) -> list[Path]:
    """The plans written before, if all of them are there and of today's programs and states; else nothing."""
    from infra.config.load import stacks_of

    paths = places(folder, environment, [stack] if stack else list(stacks_of(environment)))
    if not all(path.exists() for path in paths):
        return []
    engine = choose_engine(folder, environment, stack, engine_name)
    return paths if all(_is_current(path, folder, environment, engine) for path in paths) else []


def _is_current(path: Path, folder: Path | None, environment: str, engine: Engine) -> bool:
    from infra.engine.program import open_program
    from infra.pipeline.plan import program_digest, read_plan, stack_program

    plan = read_plan(path)
    program = open_program(folder, environment) if folder is not None else stack_program(environment, path.parent.name)
    return plan.program == program_digest(program) and plan.state == engine.state(program)


def show(decisions: list[Decision]) -> str:
    """A row per rule that judged somebody, then every failure and unknown with what to do, then a line per plan."""
    by_rule: dict[str, list[RuleResult]] = {}
    for decision in decisions:
        for result in decision.rules:
            by_rule.setdefault(result.rule, []).append(result)
    quiet = [rule for rule, results in by_rule.items() if not any(result.judged for result in results)]
    rows = [_row(results) for rule, results in by_rule.items() if rule not in quiet]
    parts = [table(rows, ["rule", "check", "severity", "judged", "failed", "unknown"])] if rows else []
    for decision in decisions:
        parts += [block for result in decision.rules if (block := _trouble(decision, result))]
        parts += _beside(decision)
    if quiet:
        parts.append(f"Nothing to judge for {', '.join(quiet)}.")
    parts.append(table([_summary(decision) for decision in decisions], ["plan", "verdict", "resources judged", "judgements", "failed", "unknown", "decision"]))
    return "\n\n".join(parts)


def _row(results: list[RuleResult]) -> list[str]:
    judged, failed, unknown = (sum(len(getattr(result, part)) for result in results) for part in ("judged", "fail", "unknown"))
    return [results[0].rule, results[0].check, results[0].severity, str(judged), str(failed) if failed else "-", str(unknown) if unknown else "-"]


def _trouble(decision: Decision, result: RuleResult) -> str:
    """What a rule found, the worst word first: a failure that nothing excuses denies, the others say why they do not."""
    subjects = sorted({*result.fail, *result.unknown, *result.deferred})
    if not subjects:
        return ""
    lines = [f"{_word(result)}  {result.rule} ({result.check}, {result.severity}): {result.title}"]
    for urn in subjects:
        waiver = f", waived by {result.waived[urn]}" if urn in result.waived else ""
        lines.append(f"  {decision.subject}  {named(urn)}{waiver}")
        lines += [f"    - {why}" for why in result.fail.get(urn, [])]
        lines += [f"    ? {what}" for what in result.unknown.get(urn, [])]
        lines += [f"    ~ {what}; up judges it again" for what in result.deferred.get(urn, [])]
    controls = "; ".join(f"{framework} {', '.join(ids)}" for framework, ids in sorted(result.controls.items()))
    lines += [f"  next      {result.remediation}", f"  runbook   runbooks/{result.runbook}.md"]
    return "\n".join([*lines, f"  controls  {controls}"] if controls else lines)


def _word(result: RuleResult) -> str:
    if result.level == "advisory":
        return "ADVICE "
    if set(result.fail) - set(result.waived):
        return "DENIED "
    return "UNKNOWN" if result.unknown else "WAIVED " if result.fail else "LATER  "


def _beside(decision: Decision) -> list[str]:
    """What a decision says beside its rules: faults, types that no rule knows, and waivers."""
    parts = [f"FAULT    {decision.subject}: {fault}" for fault in decision.faults]
    if decision.unjudged:
        types = ", ".join(f"{type} ({number})" for type, number in decision.unjudged.items())
        parts.append(f"UNJUDGED {decision.subject}: no rule knows {types}; review it in policies/reviewed_types.json")
    parts += [
        f"WAIVER   {waiver.id} ({waiver.state}): {_of(waiver)}, owner {waiver.owner}, until {waiver.expires}" + (f"; {waiver.why}" if waiver.why else "")
        for waiver in decision.waivers
    ]
    return parts


def _of(waiver: WaiverUse) -> str:
    return f"parameter {waiver.parameter}" if waiver.parameter else f"{waiver.rule} of {named(waiver.resource)}"


def _summary(decision: Decision) -> list[str]:
    subjects = {urn for result in decision.rules for urn in result.judged}
    totals = [sum(len(getattr(result, part)) for result in decision.rules) for part in ("judged", "fail", "unknown")]
    return [decision.subject, decision.verdict, str(len(subjects)), *map(str, totals), decision.digest[7:19]]
