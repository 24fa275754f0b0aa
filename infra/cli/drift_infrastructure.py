"""`falaj drift --infrastructure`: what is live beside what was applied, for a person and for the evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from falaj.errors import Drifted, Fault, UsageError
from infra.cli.output import emit, progress, redact

if TYPE_CHECKING:
    from infra.audit.deposit import Deposited
    from infra.pipeline.infrastructure_drift import InfrastructureDrift

_LONG = 120


def run(environment: str, engine_name: str | None, trail: Path | None, as_json: bool, now: str, *, deposit: bool = False) -> None:
    """Look, keep the report, say what was found; with `deposit`, put it signed into the environment's evidence bucket.

    Raises Drifted where something has changed. Raises Fault, whatever has changed, where a stack could not be read or the report is not in the bucket:
    whoever acts on drift takes the report for the whole of it.
    """
    from infra.audit import chain
    from infra.config.load import is_site
    from infra.engine.choose import choose_to_apply
    from infra.pipeline.infrastructure_drift import keep, look

    bucket = evidence_bucket(environment) if deposit else ""
    engine = choose_to_apply(environment, engine_name, site=is_site(environment))
    report = look(environment, engine=engine, trail=trail, now=now, say=progress, redact=redact)
    path = keep(report)
    details: dict[str, Any] = {"report": report.digest, "resources": sum(each.resources for each in report.stacks), "drifted": len(report.drifted)}
    if report.unread:
        details["unread"] = ", ".join(each.stack for each in report.unread)
    emit(report.to_json(), as_json, lambda: show(report, path))
    try:
        if bucket:
            there = deposited(report, bucket, path.name)
            details |= {"deposited": there.uri, "version": there.version}
            progress(f"in the evidence: {there.uri}, version {there.version}")
    except Fault as problem:
        problem.what += "".join(f", and {each}" for each in (_not_read(report), _have_drifted(report)) if each)
        raise
    finally:
        chain.append(environment, "looked for drift", "infrastructure", details, now)
    if report.unread:
        raise Fault(
            ", and ".join(each for each in (_not_read(report), _have_drifted(report)) if each),
            given="\n".join(f"{each.stack}: {each.why}" for each in report.unread),
            why=f"what was not read may have changed as well; the report is {path}",
            next="runbooks/infrastructure_drift.md; let the caller reach and read them, then look again",
        )
    if report.drifted:
        raise Drifted(
            "what is live is no longer what was applied",
            given=f"{len(report.drifted)} of {details['resources']} resources: {', '.join(each.urn.rsplit('::', 1)[-1] for each in report.drifted[:10])}",
            why=f"the report is {path}",
            next="runbooks/infrastructure_drift.md; falaj up puts back what the programs say",
        )


def _not_read(report: InfrastructureDrift) -> str:
    return f"{', '.join(each.stack for each in report.unread)} could not be read" if report.unread else ""


def _have_drifted(report: InfrastructureDrift) -> str:
    return f"{len(report.drifted)} resources have drifted" if report.drifted else ""


def evidence_bucket(environment: str) -> str:
    """The bucket of an environment's evidence, by its config. Raises UsageError where it has none."""
    from infra.config import naming
    from infra.config.load import is_site, load_environment

    if is_site(environment):
        raise UsageError(
            "this environment has no evidence bucket", given=environment, allowed="an environment in a cloud", next="keep the report as an artifact"
        )
    return naming.bucket_name(load_environment(environment).foundation, "evidence")


def deposited(report: InfrastructureDrift, bucket: str, name: str) -> Deposited:
    """Put the signed report into `bucket`."""
    from infra.audit.deposit import put, signed
    from infra.config.naming import REPORTS

    return put(signed(report.to_json()), bucket, f"{REPORTS}{name}")


def show(report: InfrastructureDrift, path: Path) -> str:
    """A report as a person reads it."""
    read = ", ".join(f"{each.stack} {each.resources}" for each in report.stacks)
    found = f"{len(report.drifted)} drifted" if report.drifted else "as it was applied" if report.state == "ok" else "no drift in what could be read"
    lines = [f"{report.environment}: {found}; resources read: {read}"]
    for each in report.unread:
        lines += [f"\n{each.stack}: could not be read", *(f"  {line}" for line in each.why.splitlines())]
    for each in report.drifted:
        lines.append(f"\n{each.stack} {each.type} {each.urn.rsplit('::', 1)[-1]}: {each.what} ({each.id})")
        lines += [f"  {change.property}: {_short(change.before)} -> {_short(change.after)}" for change in each.changes]
        lines += [f"  by {call.by}: {call.call} at {call.at} from {call.where_from or 'an address that the event lacks'}" for call in each.calls]
        lines += [f"  by nobody who can be named: {each.nobody}"] if each.nobody else []
    return "\n".join([*lines, f"\nreport: {path}"])


def _short(value: Any) -> str:
    text = "(not there)" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."
