"""`falaj audit`: collect, verify and export signed evidence, and write the report of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from falaj.errors import Denied, UsageError
from falaj.home import environment_folder, evidence_folder
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, table

if TYPE_CHECKING:
    from infra.audit.exports import Export
    from infra.audit.verify import Verification


@click.group()
def audit() -> None:
    """Collect, verify and export signed evidence."""


@audit.command()
@environment_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write to, instead of the environment's evidence folder.")
@json_option
def collect(environment: str, out: Path | None, as_json: bool) -> None:
    """Write the signed evidence folder of an environment anew."""
    from infra.audit.evidence import collect as collect_evidence

    folder = collect_evidence(environment, _now(), out)
    result = {
        "folder": str(folder.path),
        "digest": folder.digest,
        "signed_by": folder.signed_by,
        "files": folder.count(),
        "open_points": folder.manifest.open_points,
    }

    def show() -> str:
        rows = [["folder", str(folder.path)], ["manifest", folder.digest], ["signed by", folder.signed_by]]
        rows += [["files", ", ".join(f"{count} {kind}" for kind, count in folder.count().items())]]
        rows += [["open", f"{path}: {why}"] for path, why in folder.manifest.open_points.items()]
        return table(rows)

    emit(result, as_json, show)


@audit.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--key", help="The signer's public key, had from elsewhere: a PEM file or a fingerprint (sha256:...).")
@json_option
def verify(folder: Path, key: str | None, as_json: bool) -> int:
    """Check an evidence folder, or one signed report, offline: 0 genuine, 3 altered, 4 genuine but incomplete, 2 not evidence."""
    if folder.is_file():
        _verify_report(folder, key, as_json)
        return 0
    from infra.audit.rerun import GateJudge
    from infra.audit.verify import verify as verify_evidence

    found = verify_evidence(folder, key=key, judge=GateJudge())
    emit(found.to_json(), as_json, lambda: _verification(found))
    return int(found.exit_code)


@audit.command()
@click.option("--framework", required=True, help="Catalogue: gdpr, iso27001, uae_pdpl, iso42001 or eu_ai_act.")
@environment_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write to, instead of the environment's exports folder.")
@json_option
def export(framework: str, environment: str, out: Path | None, as_json: bool) -> None:
    """Say what the evidence shows about each control: HTML, CSV and JSON."""
    from infra.audit.catalogues import load_catalogue
    from infra.audit.evidence import open_evidence
    from infra.audit.exports import export as make_export
    from infra.audit.exports import write_export

    result = make_export(load_catalogue(framework), open_evidence(evidence_folder(environment)))
    files = write_export(result, out or environment_folder(environment) / "exports")
    emit({**result.to_json(), "files": [str(path) for path in files]}, as_json, lambda: _export(result, files))


@audit.command()
@environment_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write, instead of report.html beside the evidence.")
@json_option
def report(environment: str, out: Path | None, as_json: bool) -> None:
    """Write one static HTML page about the whole run."""
    from infra.audit.report import write_report

    path = write_report(environment, out or environment_folder(environment) / "report.html")
    emit({"report": str(path)}, as_json, lambda: str(path))


def _verify_report(path: Path, key: str | None, as_json: bool) -> None:
    """Raise Denied for a report that is not what the holder of `key` signed."""
    from falaj.signing import fingerprint
    from infra.audit.deposit import doubt
    from infra.pipeline.reading import read_document

    if key is None or not Path(key).is_file():
        raise UsageError(
            "whose signature it must be is not said", given=key or "no --key", allowed="the signer's public key, as a PEM file", next="had from elsewhere"
        )
    document, pem = read_document(path, what="signed report", next="copy it again"), Path(key).read_bytes()
    try:
        signed_by, why = fingerprint(pem), doubt(document, pem)
    except ValueError as problem:
        raise UsageError("this is no public key", given=key, allowed="an Ed25519 public key in PEM", why=str(problem)) from problem
    if why:
        raise Denied("this report is not genuine", given=str(path), why=why, next="runbooks/evidence_request.md")
    result = {"report": str(path), "digest": document["digest"], "signed_by": signed_by, "verdict": "genuine"}
    emit(result, as_json, lambda: table([[name.replace("_", " "), value] for name, value in result.items()]))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _verification(found: Verification) -> str:
    trust = (
        "the key you gave" if found.key_given else "a key that only this folder vouches for: compare the fingerprint with one had from elsewhere, or pass --key"
    )
    again = sum(each.outcome == "same answer" for each in found.decisions)
    rows = [
        ["verdict", found.verdict],
        ["signed by", f"{found.signed_by or 'nobody'}"],
        ["", trust],
        ["made", f"{found.created or '-'}, environment {found.environment or '-'}"],
        ["files", str(found.files)],
        ["audit log", f"{found.entries} entries"],
        ["decisions", f"{again} of {len(found.decisions)} run again with the same answer"],
    ]
    for number, finding in enumerate(found.findings[:20]):
        rows.append(["first" if number == 0 else "then", f"{finding.what}: {finding.path}: {finding.why}"])
    if len(found.findings) > 20:
        rows.append(["then", f"{len(found.findings) - 20} more; --json names them"])
    rows += [["open", f"{path}: {why}"] for path, why in found.open_points.items()]
    return table(rows)


def _export(result: Export, files: list[Path]) -> str:
    counts = table([[status, str(count)] for status, count in result.summary.items() if count], ["status", "controls"])
    return "\n".join([f"{result.name}, environment {result.environment}", "", counts, "", *map(str, files), "", result.disclaimer])
