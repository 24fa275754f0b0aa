"""`falaj policy test`: proves rules by their samples and tests."""

from __future__ import annotations

from pathlib import Path

import click

from falaj.errors import Denied
from infra.cli.options import json_option
from infra.cli.output import emit, table


@click.command()
@click.argument("rules", nargs=-1)
@click.option("--engine", type=click.Choice(["regorus", "opa"]), default="regorus", show_default=True, help="Which engine answers.")
@click.option("--policies", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Another library than the checkout's.")
@click.option("--mutation", is_flag=True, help="Instead: change what passes, and the rules themselves, in every single place; minutes for the library.")
@json_option
def test(rules: tuple[str, ...], engine: str, policies: Path | None, mutation: bool, as_json: bool) -> None:
    """Test RULES, or the whole library: lint, samples with whole answers, Rego tests; with OPA at hand also its check, format and coverage.

    With --mutation every single change of our prod plans and of passing documents is judged: what breaks a control must fail it, and what
    is not known must never pass. Exit 0 when all hold, 3 when one does not.
    """
    from infra.authoring.check import check, opa_check
    from infra.authoring.explain import find
    from infra.pipeline.library import Library
    from infra.pipeline.policy_engine import choose, opa_binary

    library = Library.open(policies)
    chosen = [find(library, rule) for rule in rules] or library.rules
    if mutation:
        from infra.cli.policy_mutation import report

        report(library, chosen, choose(engine), as_json=as_json)
        return
    outcomes = check(library, chosen, choose(engine))
    opa = opa_binary()
    general = opa_check(library, opa) if opa is not None and not rules else []
    wrong = [f"{outcome.rule}: {what}" for outcome in outcomes for what in outcome.wrong] + general
    rows = [[outcome.rule, str(outcome.samples), str(outcome.tests), "ok" if not outcome.wrong else f"{len(outcome.wrong)} wrong"] for outcome in outcomes]
    opa_line = (
        "" if rules else "\n\nOPA's check, format and coverage: " + ("not asked, no opa here" if opa is None else "wrong" if general else "100 % of lines, ok")
    )
    emit(
        {"rules": [vars(outcome) for outcome in outcomes], "opa": general},
        as_json,
        lambda: "\n".join([table(rows, ["rule", "samples", "tests", engine]) + opa_line, *([""] if wrong else []), *wrong]),
    )
    if wrong:
        raise Denied(f"{len(wrong)} things do not hold", given=", ".join(sorted({line.split(":")[0] for line in wrong})), next="each line above says what")
