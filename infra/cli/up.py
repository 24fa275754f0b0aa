"""`falaj up`: an environment as its programs and policies say; in `local`, the whole road as well."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from falaj.errors import UsageError
from falaj.files import lock, write_json
from falaj.home import environment_folder, evidence_folder, volume_folder
from infra.cli.drill import copy_state_after_apply
from infra.cli.options import FORMS, engine_option, environment_option, json_option, refuse_partial_plans
from infra.cli.output import emit, progress, table

if TYPE_CHECKING:
    from infra.engine.engine import Engine
    from infra.pipeline.converge import StackOutcome


@click.command()
@environment_option
@engine_option
@click.option("--data", type=click.Path(path_type=Path), help="Your own JSONL, CSV or Parquet file for the model run (local).")
@click.option("--recipe", default="", help="Named training recipe for the model run (local).")
@click.option("--approved", multiple=True, metavar="STACK=DIGEST", help="Apply only this plan of that stack; once said, every stack that changes needs one.")
@click.option("--approver", default="", metavar="NAME", help="Who approved; not who made the plans.")
@click.option(
    "--kubernetes", "form", type=click.Choice(FORMS), help="Pods as processes, or a real node (local); what it has where left out, processes at first."
)
@click.option("--images", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder with train.oci.tar and serve.oci.tar, for a real node.")
@click.option("--infrastructure-only", is_flag=True, help="Stop once the stacks are applied.")
@json_option
@refuse_partial_plans
def up(
    environment: str,
    engine_name: str | None,
    data: Path | None,
    recipe: str,
    approved: tuple[str, ...],
    approver: str,
    form: str | None,
    images: Path | None,
    infrastructure_only: bool,
    as_json: bool,
) -> None:
    """Plan, judge and apply every stack; in local, also train, release, serve and watch a model, and sign the evidence.

    Asking again does only what is left or has changed.
    """
    with lock(environment_folder(environment) / "up.lock", what=f"environment {environment}", next="wait until that run ends: runbooks/state_locked.md"):
        clock = Stopwatch()
        choose_kubernetes(environment, form, images)
        stacks = bring_up_stacks(environment, engine_name, clock, approved, approver)
        copy_state_after_apply(environment)
        summary: dict[str, Any] = {"environment": environment, "stacks": [_stack(outcome) for outcome in stacks]}
        if environment == "local" and not infrastructure_only:
            summary |= bring_up_model(environment, data, recipe, clock)
        summary["timings"] = [[name, seconds] for name, seconds in clock.rounded().items()]
        write_json(environment_folder(environment) / "up.json", summary)
        summary |= close(environment, clock)
    emit(summary, as_json, lambda: show(summary))


@dataclass
class Stopwatch:
    """Seconds per part of the work, in the order they were done."""

    laps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def lap(self, name: str) -> Generator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.laps[name] = self.laps.get(name, 0.0) + time.perf_counter() - began

    def rounded(self) -> dict[str, float]:
        return {name: round(seconds, 2) for name, seconds in self.laps.items()}


def now() -> str:
    """The time as records hold it: UTC, RFC 3339 with `Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def bring_up_stacks(environment: str, engine_name: str | None, clock: Stopwatch, approved: Sequence[str] = (), approver: str = "") -> list[StackOutcome]:
    """Start the sandbox where the environment is local, then converge all stacks and log what was done; see `approval_of` for the last two."""
    from infra.audit import chain
    from infra.audit.history import keep_applied
    from infra.config.load import is_site, load_environment
    from infra.engine.choose import choose_to_apply
    from infra.engine.opt_in import require_switched_on
    from infra.pipeline.approved import approval_of
    from infra.pipeline.converge import converge, refresh

    site = is_site(environment)
    engine = choose_to_apply(environment, engine_name, site=site)
    if site:
        look_at_site(environment, engine)
    elif environment != "local" and engine.name == "pulumi":
        require_switched_on(load_environment(environment).region)
    approval = approval_of(environment, approved, approver)
    keep_applied(environment)
    if environment == "local":
        with clock.lap("sandbox"):
            forgot = start_sandbox()
        if forgot:
            # The emulated cloud keeps its resources in memory: what the state still names must be looked for first.
            with clock.lap("refresh"):
                refresh(environment, ("foundation", "cluster"), engine=engine, say=progress)
    outcomes = []
    for outcome in converge(environment, engine=engine, now=now, say=progress, approval=approval):
        clock.laps[outcome.stack] = outcome.seconds
        details = {
            "verdict": outcome.decision.verdict,
            "plan": outcome.record.plan_digest,
            "decision": outcome.record.decision_digest,
            "steps": len(outcome.record.steps),
            "serial": outcome.record.after.serial,
            **({"approver": approval.approver} if approval is not None else {}),
        }
        chain.append(environment, "applied", outcome.stack, details, now())
        outcomes.append(outcome)
    return outcomes


def choose_kubernetes(environment: str, form: str | None, images: Path | None) -> None:
    """Settle which form of Kubernetes `local` has, and give a real node its images. Raises UsageError where that cannot be."""
    if environment != "local":
        if form or images:
            raise UsageError("--kubernetes and --images are for local", given=f"--env {environment}", allowed="--env local", next="leave them out")
        return
    from infra.sandbox.kubernetes import service
    from infra.sandbox.node import settings

    wanted = form or service.form()
    service.require_form(wanted)
    if wanted == "node":
        from infra.cli.node_images import hand_over
        from workloads.release import signing_key_file

        daemon = service.kubernetes_daemon("node")
        if not daemon.is_up():
            settings.require(settings.settings_of(daemon.folder))
        hand_over(images, daemon.folder / "images")
        signing_key_file()  # pods read this machine's keys, and make none
    elif images:
        raise UsageError(
            "--images is for a real node", given="--kubernetes process", allowed="--kubernetes node", why="the other form runs this checkout's code"
        )
    service.choose_form(wanted)


def look_at_site(environment: str, engine: Engine) -> None:
    """Raise UsageError unless the site's cluster can take what is planned: who asks, storage classes, nodes."""
    from infra.config.load import load_site
    from infra.pipeline.plan import plan_environment
    from infra.pipeline.site import require_ready
    from infra.sandbox.kubernetes.client import Client
    from infra.sandbox.kubernetes.kubeconfig import reach

    site = load_site(environment).platform.site
    assert site is not None
    require_ready(plan_environment(environment, engine=engine), Client(way=reach(site.context)))
    progress(f"the cluster of context {site.context} is ready for {environment}")


def start_sandbox() -> bool:
    """Start what is not up of the local environment. Returns True when the emulated AWS was started, and so holds nothing."""
    from infra.sandbox.aws.service import aws_daemon, environ
    from infra.sandbox.kubernetes.service import form, kubernetes_daemon

    aws, kubernetes = aws_daemon(), kubernetes_daemon()
    started = aws.ensure()
    again = kubernetes.ensure(environ())
    if form() == "node":
        from infra.cli.node_images import label_node

        label_node()
    progress(f"AWS on {aws.url} ({'started' if started else 'up'}), cluster on {kubernetes.url} ({'started' if again else 'up'})")
    return started


def bring_up_model(environment: str, data: Path | None, recipe: str, clock: Stopwatch) -> dict[str, Any]:
    """Run road B to a served release, watch it, and say where everything is."""
    from infra.audit import chain
    from infra.cli.run import run_road
    from infra.sandbox.aws.service import aws_daemon
    from infra.sandbox.kubernetes.service import kubernetes_daemon

    with clock.lap("model"):
        run = run_road(environment, data=data, recipe=recipe)
    chain.append(environment, "released", run["release"], {"run": run["run"], "reused": len(run["reused"])}, now())
    with clock.lap("drift"):
        watch = watched(environment, run["release"])
    addresses = {
        "model": run["address"],
        "metrics": f"{run['address']}/metrics",
        "cluster API": kubernetes_daemon().url,
        "AWS API": aws_daemon().url,
    }
    return {"run": run, "drift": {name: report["state"] for name, report in watch.items()}, "addresses": addresses}


def watched(environment: str, release: str) -> dict[str, Any]:
    """Show once per release that clean traffic is quiet and shifted traffic alarms; the reports lie with the request log."""
    from infra.cli.drift import demonstrate

    folder = volume_folder(environment, "inference", "requests") / "drift" / "demo"
    paths = {name: folder / f"drift-{name}.json" for name in ("clean", "shifted")}
    if all(path.exists() for path in paths.values()):
        kept = {name: json.loads(path.read_text()) for name, path in paths.items()}
        if all(report["release"] == release for report in kept.values()):
            progress("drift: shown for this release already")
            return kept
    return demonstrate(environment)


def close(environment: str, clock: Stopwatch) -> dict[str, Any]:
    """Sign the evidence, check it the way an auditor would, and write the report."""
    from infra.audit.evidence import collect
    from infra.audit.report import write_report
    from infra.audit.rerun import GateJudge
    from infra.audit.verify import verify

    with clock.lap("evidence"):
        folder = collect(environment, now())
        checked = verify(folder.path, judge=GateJudge())
    report = write_report(environment, environment_folder(environment) / "report.html")
    return {
        "evidence": {"folder": str(evidence_folder(environment)), "signed_by": folder.signed_by, "verdict": checked.verdict},
        "report": str(report),
        "seconds": round(sum(clock.laps.values()), 1),
    }


def _stack(outcome: StackOutcome) -> dict[str, Any]:
    return {
        "stack": outcome.stack,
        "resources": outcome.resources,
        "changes": outcome.changes,
        "verdict": outcome.decision.verdict,
        "rules": len(outcome.decision.rules),
        "judged": sum(len(rule.judged) for rule in outcome.decision.rules),
        "steps": len(outcome.record.steps),
        "seconds": round(outcome.seconds, 2),
    }


def show(summary: dict[str, Any]) -> str:
    """The numbers that matter and the addresses that are up."""
    from infra.pipeline.converge import describe

    stacks = [
        [each["stack"], str(each["resources"]), describe(each["changes"]), each["verdict"], str(each["judged"]), f"{each['seconds']:.1f} s"]
        for each in summary["stacks"]
    ]
    parts = [table(stacks, ["stack", "resources", "changes", "verdict", "judgements", "time"])]
    if run := summary.get("run"):
        from infra.cli.run import show as show_run

        parts.append(show_run(run))
        parts.append(table([[name, "as the reference" if state == "ok" else state] for name, state in summary["drift"].items()], ["traffic", "drift"]))
        parts.append(table([[name, url] for name, url in summary["addresses"].items()], ["up", "address"]))
    evidence = summary["evidence"]
    rows = [["evidence", evidence["folder"]], ["signed by", evidence["signed_by"]], ["checked", evidence["verdict"]], ["report", summary["report"]]]
    parts.append(table([*rows, ["all of it", f"{summary['seconds']:.1f} s"]]))
    return "\n\n".join(parts)
