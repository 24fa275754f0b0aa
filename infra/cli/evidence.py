"""`falaj evidence`: dated, signed documents about what was done, which `falaj gate --evidence` asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from falaj.files import read_json
from infra.cli.evidence_branches import branches
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, table
from infra.cli.witness import documents_folder, documents_option, seen_by, witness_key_option


@click.group()
def evidence() -> None:
    """Write, sign and list documents about drift runs, restore tests, reviews, scans and drills."""


evidence.add_command(branches)


@evidence.command()
@click.argument("kind", metavar="TYPE")
@environment_option
@documents_option
@click.option("--by", help="Who saw it; FALAJ_AUTHOR or the user of this machine where left out.")
@click.option("--facts", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="JSON object of what was seen; signs the document at once.")
@witness_key_option
def new(kind: str, environment: str, folder: Path | None, by: str | None, facts: Path | None, key: str) -> None:
    """Write a document of TYPE, dated now: an example to fill in, or a signed one with --facts.

    \b
    Types: drift_run, restore_test, access_review, vulnerability_scan, off_switch_test,
    incident_drill, image_attestations, release_served, change_record, waiver_review,
    branch_protection, build_provenance.
    """
    from infra.pipeline.evidence_documents import sign, template, write

    given = read_json(facts, what="facts", next="a JSON object") if facts else None
    document = template(kind, environment, by=seen_by(by), now=datetime.now(UTC), facts=given)
    path = write(documents_folder(environment, folder), sign(document, key) if facts else document)
    click.echo(f"wrote {path}" + ("" if facts else f"\nPut in what was really seen, then: falaj evidence sign {path}"))


@evidence.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@witness_key_option
def sign(files: tuple[Path, ...], key: str) -> None:
    """Sign documents as they are now. What is still an example is refused."""
    from falaj.files import write_json
    from infra.pipeline.evidence_documents import sign as signed

    for path in files:
        write_json(path, signed(read_json(path, what="evidence document", next="falaj evidence new TYPE"), key))
        click.echo(f"signed {path}")


@evidence.command(name="list")
@environment_option
@documents_option
@click.option("--signers", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="JSON object of name -> public key; whose signature counts.")
@json_option
def list_(environment: str, folder: Path | None, signers: Path | None, as_json: bool) -> None:
    """List the newest document of each type, and what is doubtful about it."""
    from infra.pipeline.evidence_documents import read_folder

    found = read_folder(documents_folder(environment, folder), environment, signers=signers)
    emit(found, as_json, lambda: _shown(found))


@evidence.command()
@witness_key_option
def key(key: str) -> None:
    """Print the public half of this installation's key, for the list of signers."""
    from falaj.signing import public_pem, signing_key

    click.echo(public_pem(signing_key(key)).decode(), nl=False)


def _shown(found: dict) -> str:
    rows = [
        [kind, each[0]["at"], each[0]["by"], "yes" if each[0]["signed"] else each[0]["why"]] if each else [kind, "none", "", ""]
        for kind, each in found["documents"].items()
    ]
    lines = [f"{name}: {why}" for name, why in found["unreadable"].items()]
    return "\n".join([table(rows, ["type", "newest", "by", "signed"]), *lines])
