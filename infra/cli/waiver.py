"""`falaj waiver`: write, sign, list and check waivers of rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from falaj.errors import Denied, UsageError
from falaj.files import read_json, write_json
from falaj.home import ROOT
from infra.cli.options import ENVIRONMENTS, environment_option, json_option
from infra.cli.output import emit, table

_policies_option = click.option(
    "--policies", default=ROOT / "policies", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Folder of the rules, instead of ours."
)


@click.group()
def waiver() -> None:
    """Write, sign, list and check waivers: exceptions of one rule for one resource, or of one parameter, for a while."""


def _terms(command: Callable[..., None]) -> Callable[..., None]:
    """Options that say who answers for a waiver, why, for how long, and what leaves the country where something does."""
    options = [
        environment_option,
        click.option("--owner", required=True, help="Who answers for it; cannot approve it."),
        click.option("--reason", required=True, help="Why it cannot be kept."),
        click.option("--control", required=True, help="What protects instead."),
        click.option("--days", default=30, show_default=True, type=click.IntRange(1), help="How long it holds, from now."),
        click.option("--id", "id", help="Name of the waiver and its file; made of its subject, environment and day where left out."),
        click.option("--lost-region", help="Where data leaves the country: the allowed region whose loss it answers."),
        click.option("--copy-region", help="Where the copy may be, and nowhere else."),
        click.option("--key-region", help="The allowed region whose keys encrypt the copy."),
        click.option("--data-class", "data_classes", multiple=True, help="A data class that leaves; may be given again."),
        _policies_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@waiver.command()
@click.argument("rule")
@click.argument("resource", metavar="URN")
@_terms
def new(rule: str, resource: str, environment: str, policies: Path, **said: Any) -> None:
    """Write a waiver of RULE for the resource URN, which holds once two people have signed it."""
    from infra.pipeline.library import Library

    library = Library.open(policies)
    known = {one.id: one for one in library.of_kind("plan")}
    if rule not in known:
        raise UsageError(f"there is no plan rule '{rule}'", given=rule, allowed="an id of docs/policies/plan.md", next="falaj policy explain RULE tells one")
    _write(_unsigned(rule, resource, environment, rule.replace("_", "-"), **said), policies, library.parameters(environment), known[rule].check)


@waiver.command()
@click.argument("path")
@_terms
def parameter(path: str, environment: str, policies: Path, **said: Any) -> None:
    """Write a waiver of the parameter PATH, looser in the environment's file of policies/data than in common.json, for the value it has there."""
    from infra.pipeline.library import Library
    from infra.pipeline.parameter_waivers import check_of, of_parameter

    library = Library.open(policies)
    loose = library.loosened(library.as_written(environment))
    if path not in loose:
        raise UsageError(
            f"parameter '{path}' is not looser in {environment}",
            given=path,
            allowed=", ".join(loose) or "nothing: all are as strict as in common.json",
            why="a waiver names the value that the environment's file has",
            next=f"write it into policies/data/{environment}.json first, or take it out and need no waiver",
        )
    named = "".join(sign if sign.isalnum() else "-" for sign in path.lower())
    _write(of_parameter(_unsigned("", "", environment, named, **said), path, loose[path]), policies, library.common, check_of(path))


def _unsigned(rule: str, resource: str, environment: str, named: str, *, days: int, id: str | None, **said: Any) -> dict[str, Any]:
    from infra.pipeline.waivers import template

    now = datetime.now(UTC)
    residency = {key: said[key] for key in ("lost_region", "copy_region", "key_region")} | {"data_classes": list(said["data_classes"])}
    return template(
        rule,
        resource,
        environment,
        id=id or f"{named}-{environment}-{now:%Y%m%d-%H%M%S}",
        owner=said["owner"],
        reason=said["reason"],
        control=said["control"],
        now=now,
        days=days,
        residency=residency if any(residency.values()) else None,
    )


def _write(document: dict[str, Any], policies: Path, terms: dict[str, Any], check: str) -> None:
    from infra.pipeline.waivers import RESIDENCY, misshapen, refused_by_terms

    wrong = misshapen(policies, document) or refused_by_terms(document, terms, document["created"], check=check)
    if wrong:
        raise UsageError(
            "this waiver would not hold",
            given=f"parameter {document['parameter']}" if "parameter" in document else f"{document['rule']} for {document['resource']}",
            why=wrong,
            next=f"--lost-region, --copy-region, --key-region and --data-class say what leaves (check {RESIDENCY}); runbooks/waiver.md",
        )
    path = policies / "waivers" / f"{document['id']}.json"
    if path.exists():
        raise UsageError(f"there is a waiver {document['id']} already", given=str(path), next="give another --id")
    write_json(path, document)
    click.echo(f"wrote {path}\nTwo people sign it, each with a key of their own: falaj waiver sign {path} --as NAME")


@waiver.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--as", "name", required=True, help="Your name in policies/approvers.json.")
@click.option("--key", help="Name of this installation's key; your own name where left out.")
@_policies_option
def sign(file: Path, name: str, key: str | None, policies: Path) -> None:
    """Approve the waiver in FILE as it is now, with a key of this machine. Read it first."""
    from falaj.home import keys_folder
    from falaj.signing import fingerprint, public_pem, signing_key
    from infra.pipeline.waivers import approvers, misshapen
    from infra.pipeline.waivers import sign as signed

    document = read_json(file, what="waiver", next="falaj waiver new RULE URN", by_hand=True)
    if wrong := misshapen(policies, document):
        raise UsageError("this is no waiver", given=str(file), why=wrong, next="falaj waiver new RULE URN")
    listed = approvers(policies)
    if name not in listed:
        how = f"falaj evidence key --key {name} prints a public key; put it there by a reviewed change"
        raise UsageError(
            f"{name} is not among the approvers", given=name, allowed=", ".join(listed) or "nobody yet: policies/approvers.json is empty", next=how
        )
    if document["owner"].strip().casefold() == name.strip().casefold():
        raise UsageError("an owner cannot approve the own waiver", given=name, allowed="anybody else of policies/approvers.json")
    held = keys_folder() / f"{key or name}.pem"
    if Path(key or name).name != (key or name) or not held.exists():
        raise UsageError("there is no such key on this machine", given=str(held), next=f"falaj evidence key --key {name}")
    private = signing_key(key or name)
    if fingerprint(public_pem(private)) != fingerprint(listed[name].key):
        raise UsageError(f"this is not the key that {name} is listed with", given=fingerprint(public_pem(private)), allowed=fingerprint(listed[name].key))
    write_json(file, signed(document, name, private))
    of = f"parameter {document['parameter']} = {document['value']!r}" if "parameter" in document else f"{document['rule']} for {document['resource']}"
    click.echo(f"{name} approves {document['id']}: {of} until {document['expires']}")


@waiver.command(name="list")
@click.option("--env", "environment", type=click.Choice(ENVIRONMENTS), help="Only those of this environment.")
@_policies_option
@json_option
def list_(environment: str | None, policies: Path, as_json: bool) -> None:
    """List every waiver, and what is wrong with it."""
    found = _looked_at(policies, environment)
    emit(found, as_json, lambda: _shown(found))


@waiver.command()
@click.option("--env", "environment", type=click.Choice(ENVIRONMENTS), help="Only those of this environment.")
@_policies_option
@json_option
def check(environment: str | None, policies: Path, as_json: bool) -> None:
    """Ends with 3 where a waiver does not hold now: expired, unsigned, altered, or not approved by two."""
    found = _looked_at(policies, environment)
    emit(found, as_json, lambda: _shown(found))
    wrong = {one["id"]: one["why"] for one in found if one["why"]}
    if wrong:
        raise Denied(
            f"{len(wrong)} of {len(found)} waivers do not hold",
            given="; ".join(f"{id}: {why}" for id, why in wrong.items()),
            allowed="signed by two, in force, as signed",
            next="take out what has ended, have the rest signed; runbooks/waiver.md",
        )


def _looked_at(policies: Path, environment: str | None) -> list[dict[str, Any]]:
    """Every waiver of `environment`, and every file that does not say of which it is.

    Keys: id, environment, rule, resource, parameter, owner, approvers, expires, and `why` it does not hold.
    """
    from infra.pipeline.gate import instant
    from infra.pipeline.library import Library
    from infra.pipeline.parameter_waivers import check_of
    from infra.pipeline.waivers import approvers, doubt, read_all

    library, listed, now = Library.open(policies), approvers(policies), instant()
    checks = {rule.id: rule.check for rule in library.of_kind("plan")}
    found = []
    for one in read_all(policies):
        why, document = one.wrong, one.document
        if not why and document["environment"] not in library.environments:
            why = f"there is no environment {document['environment']}"
        rule, parameter = document.get("rule", ""), document.get("parameter", "")
        if not why and rule and rule not in checks and not rule.startswith("CKV"):
            why = f"there is no plan rule {rule}"
        terms = library.common if parameter or why else library.as_written(document["environment"])
        why = why or doubt(document, listed, terms, now, check=check_of(parameter) if parameter else checks.get(rule, ""))
        words = {key: str(document.get(key, "")) for key in ("environment", "rule", "resource", "parameter", "owner", "expires")}
        names = [] if one.wrong else [approval["approver"] for approval in document["approvals"]]
        found.append({"id": one.file.removesuffix(".json"), **words, "approvers": names, "why": why})
    return [one for one in found if environment in (None, one["environment"]) or not one["environment"]]


def _shown(found: list[dict[str, Any]]) -> str:
    rows = [
        [one["id"], one["environment"], one["rule"] or one["parameter"], one["owner"], ", ".join(one["approvers"]), one["expires"], one["why"] or "yes"]
        for one in found
    ]
    return table(rows, ["id", "env", "of", "owner", "approved by", "until", "holds"]) if rows else "there is no waiver"
