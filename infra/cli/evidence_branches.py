"""`falaj evidence branches`: what the forge asks of a change, as a signed document."""

from __future__ import annotations

from pathlib import Path

import click

from falaj.errors import UsageError
from infra.cli.drift_infrastructure import evidence_bucket
from infra.cli.options import environment_option
from infra.cli.witness import documents_option, witness_key_option, written


@click.command()
@click.argument("answers", nargs=-1, required=True, metavar="BRANCH=RULES.json...")
@click.option("--repository", envvar="GITHUB_REPOSITORY", default="", help="owner/name that was asked about; GITHUB_REPOSITORY where left out.")
@click.option(
    "--ruleset",
    "rulesets",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="What rulesets/ID answered to who may change it: names who may pass by. Once per ruleset.",
)
@environment_option
@documents_option
@click.option("--by", help="Who asked; FALAJ_AUTHOR or the user of this machine where left out.")
@click.option("--deposit", is_flag=True, help="Put it into the environment's evidence bucket as well, where nobody can change it.")
@witness_key_option
def branches(
    answers: tuple[str, ...],
    repository: str,
    rulesets: tuple[Path, ...],
    environment: str,
    folder: Path | None,
    by: str | None,
    deposit: bool,
    key: str,
) -> None:
    """Write a signed branch_protection document from what GitHub's API answered about branches.

    \b
    gh api "repos/OWNER/NAME/rules/branches/main?per_page=100" > main.json
    falaj evidence branches --repository OWNER/NAME main=main.json

    The answer of branches/main/protection is taken as well, as main=FILE beside the first: what holds is the strictest of both.
    """
    from infra.pipeline.branch_protection import facts

    bucket = evidence_bucket(environment) if deposit else ""
    seen = facts(repository, [_named(each) for each in answers], rulesets)
    document, path = written("branch_protection", environment, seen, by=by, folder=folder, key=key)
    click.echo(f"wrote {path}")
    if bucket:
        from infra.audit.deposit import put
        from infra.config.naming import DOCUMENTS

        there = put(document, bucket, f"{DOCUMENTS}{path.name}")
        click.echo(f"in the evidence: {there.uri}, version {there.version}")


def _named(answer: str) -> tuple[str, Path]:
    branch, _, file = answer.partition("=")
    if not branch or not file:
        why = "what GitHub answers does not say of which branch"
        raise UsageError("this answer names no branch", given=answer, allowed="BRANCH=FILE", why=why, next="main=FILE")
    return branch, Path(file)
