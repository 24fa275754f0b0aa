"""Road B on a cluster: each stage a Job made from its suspended CronJob, the gate on this side, then wait until it is served."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from falaj.canonical import digest, digest_file, manifest
from falaj.errors import Denied, Exit, FalajError, Fault, Undecided, UsageError
from falaj.files import read_json, write_json
from falaj.home import ROOT, runs_folder, volume_folder
from workloads import recipe_files
from workloads.pipeline import Driver, Judgement, Lost, RunRecord, Spec, default_run
from workloads.stages import Stage

if TYPE_CHECKING:
    from infra.sandbox.kubernetes.client import Client

TRAINING, INFERENCE, SERVICE = "training", "inference", "flan-t5"
_WORK = "/var/lib/falaj/work"
_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".parquet")
HANDED_ON = ("FALAJ_BASE_MODEL", "FALAJ_DATA_LICENCE", "FALAJ_DATA_SOURCE", "HF_ENDPOINT")
"""Settings of the person's shell that the stages read too; they are part of what a run is made from."""
_OF_NO_STAGE = frozenset(
    {"__init__.py", "__main__.py", "again.py", "pipeline.py", "drift.py", "retrain.py", "stages.py", "store.py", "lineage.py"}
    | {"dvc.py", "dvc.yaml", "dvc.lock", "params.yaml"}
)
_OF_REGISTER = frozenset({"register.py", "release.py", "reference.py", "tracking.py"})
_SERVED_SECONDS = 180.0


def require_local(environment: str, what: str) -> None:
    """Raise UsageError for any environment but `local`: the others run the same Jobs on their own cluster, with their own identity."""
    if environment != "local":
        raise UsageError(
            f"{what} drives the local environment only",
            given=f"--env {environment}",
            allowed="local",
            why="another environment's jobs run under that cluster's identities, not under this person's",
            next=f"kubectl create job --from=cronjob/prepare on the cluster of {environment}",
        )


def connect() -> Client:
    """The process cluster of this home. Raises UsageError when it is not up."""
    from infra.sandbox.kubernetes.client import Client
    from infra.sandbox.kubernetes.service import kubernetes_daemon

    daemon = kubernetes_daemon()
    if not daemon.is_up():
        raise UsageError("the local cluster is not up", given=daemon.url, why="the stages of a run are its Jobs", next="falaj up --env local")
    return Client(daemon.url)


def use_local_cloud() -> None:
    """Let this process reach the local environment's object store, as its jobs do."""
    from infra.sandbox.aws.service import environ

    for name, value in environ().items():
        os.environ.setdefault(name, value)


def basis(environment: str) -> dict[str, str]:
    """Digests of what a run stands on: the stages' code with seed and sample, the person's settings, the gate's rules and parameters."""
    from infra.pipeline.library import Library
    from workloads.tokens.limits import PARAMS, read_limits

    code: dict[str, dict[str, str]] = {"code": {}, "register": {}}
    for name, found in manifest(ROOT / "workloads").items():
        if "__pycache__" in name or name in _OF_NO_STAGE or name.startswith("tune/") or (name.startswith("serve/") and name != "serve/runtime.py"):
            continue
        code["register" if name in _OF_REGISTER else "code"][name] = found
    library = Library.open()
    found = {"code": digest(code["code"]), "register": digest(code["register"])}
    # The file that they stand in also says what DVC makes a run from, which is nothing to this one.
    found["limits"] = digest(read_limits(PARAMS).model_dump())
    found["gate"] = digest({"rules": library.digest, "parameters": library.parameters(environment)})
    return found | ({"settings": digest(settings)} if (settings := _handed_on()) else {})


def _handed_on() -> dict[str, str]:
    return {name: value for name in HANDED_ON if (value := os.environ.get(name))}


def _as_mounted(environment: str, value: str) -> str:
    """`value` as jobs see it, where it is the path of something in the work volume; else as it is."""
    path, work = Path(value), volume_folder(environment, TRAINING, "work").absolute()
    return f"{_WORK}/{path.relative_to(work).as_posix()}" if path.is_relative_to(work) else value


def make_spec(environment: str, *, recipe: str, data: Path | None, run: str, cause: dict[str, Any] | None) -> Spec:
    """The spec of a run. A file of the user's is copied into the work volume, named by its digest, so that it cannot change under the run."""
    spec = Spec(
        run, environment, recipe=take_in_recipe(environment, recipe), data=_take_in(environment, data) if data else None, cause=cause, basis=basis(environment)
    )
    return spec if run else replace(spec, run=default_run(spec))


def _take_in(environment: str, data: Path) -> dict[str, str]:
    if data.suffix.lower() in (".yaml", ".yml") or data.name.endswith(".revision.json"):
        return _take_in_revision(environment, data)
    if data.suffix.lower() not in _SUFFIXES or not data.is_file():
        raise UsageError(
            "the data file cannot be used",
            given=str(data),
            allowed=f"an existing file ending in {', '.join(_SUFFIXES)}, or a source file (.yaml)",
            next="give it columns source and target",
        )
    card = data.with_name(data.name + ".card.json")
    files = [data, card] if card.is_file() else [data]
    found = digest_file(data) if len(files) == 1 else digest({file.name: digest_file(file) for file in files})
    place = f"data/{found.removeprefix('sha256:')[:16]}/{data.name}"
    _copy(environment, place, files)
    return {"name": data.name, "path": f"{_WORK}/{place}", "digest": found}


def take_in_recipe(environment: str, recipe: str) -> str:
    """A recipe's name as it is. A recipe file is copied as data is, so that its content is part of what the run is made from."""
    if not recipe.endswith(recipe_files.SUFFIX):
        return recipe
    path = Path(recipe)
    recipe_files.read(path)
    return take_in_file(environment, "recipes", path)


def take_in_file(environment: str, kind: str, path: Path) -> str:
    """Copy a file into the folder `kind` of the work volume, below its digest. Returns its path as jobs see it."""
    place = f"{kind}/{digest_file(path).removeprefix('sha256:')[:16]}/{path.name}"
    _copy(environment, place, [path])
    return f"{_WORK}/{place}"


def _copy(environment: str, place: str, files: Sequence[Path]) -> None:
    """Copy `files` beside `place` of the work volume, each whole or not at all."""
    folder = (volume_folder(environment, TRAINING, "work") / place).parent
    for file in files:
        target = folder / file.name
        if not target.is_file() or digest_file(target) != digest_file(file):
            folder.mkdir(parents=True, exist_ok=True)
            partial = folder / f".{file.name}.{os.getpid()}"
            shutil.copyfile(file, partial)
            os.replace(partial, target)


def _take_in_revision(environment: str, data: Path) -> dict[str, str]:
    """A described source is read here, with this person's rights to it; the jobs see its revision alone."""
    from infra.cli.data import pulled
    from workloads.data.sources.revision import open_revision

    work = volume_folder(environment, TRAINING, "work")
    if data.name.endswith(".revision.json"):
        found, path = open_revision(data), data.absolute()
    else:
        found, path = pulled(environment, data)
    if not path.is_relative_to(work.absolute()):
        raise UsageError("that revision is another environment's", given=str(path), allowed=f"one below {work}", next="falaj data pull FILE.source.yaml")
    return {"name": found.source, "path": f"{_WORK}/{path.relative_to(work.absolute()).as_posix()}", "digest": found.digest}


@dataclass(frozen=True)
class Jobs:
    """Submits stages as Jobs and follows them. Safe to ask again for a stage whose Job is still going: it is followed then."""

    client: Client
    progress: Callable[[str], None]

    def submit(self, stage: Stage, spec: Spec, *, more: Sequence[str] = (), env: Mapping[str, str] | None = None, of: str = "") -> None:
        """Run one stage to its end, with `more` arguments and variables. Raises the error whose exit code it ended with, Lost without an answer.

        The Job is called after the stage and `of`, the run where that is left out.
        """
        from infra.sandbox.kubernetes.client import NoAnswer

        try:
            self._follow(stage, spec, more, env or {}, of or spec.run)
        except NoAnswer as problem:
            raise Lost(problem.what, given=problem.given, next=problem.next) from problem

    def _follow(self, stage: Stage, spec: Spec, more: Sequence[str], env: Mapping[str, str], of: str) -> None:
        from infra.sandbox.kubernetes.client import NoAnswer

        name, there = self._place(stage, of)
        if not there:
            arguments = ["--run", spec.run]
            arguments += ["--recipe", spec.recipe] if spec.recipe else []
            arguments += ["--data", spec.data["path"]] if spec.data else []
            settings = {key: _as_mounted(spec.environment, value) for key, value in _handed_on().items()}
            self.client.create_job_from_cronjob(TRAINING, stage.name, name, args=[*arguments, *more], env={**settings, **env})
        lines: list[str] = []

        def follow(pod: str, line: str) -> None:
            lines.append(line)
            # Pods of an Indexed Job have their number after the Job's name, and five letters after that.
            number, several, _ = pod.removeprefix(f"{name}-").partition("-")
            self.progress(f"  {stage.name}{f' {number}' if several else ''} | {line}")

        try:
            self.client.wait_for_job(TRAINING, name, stage.deadline_seconds + 60, on_log=follow)
        except NoAnswer:
            raise
        except Fault as problem:
            raise _failure(stage, name, self._exit_code(name), lines, problem) from problem

    def cancel(self, stage: Stage, spec: Spec, *, of: str = "") -> None:
        """Delete the run's Job of this stage, or that of `of`, if it is still going."""
        for job in self.client.list("Job", TRAINING):
            called, _, number = job["metadata"]["name"].rpartition("-")
            if called == f"{stage.name}-{of or spec.run}" and number.isdecimal() and _is_active(job):
                self.client.delete("Job", TRAINING, job["metadata"]["name"])

    def _exit_code(self, name: str) -> int | None:
        try:
            pods = self.client.job_pods(TRAINING, name)
            states = [row["state"] for pod in pods for row in pod.get("status", {}).get("containerStatuses") or []]
            return next((state["terminated"]["exitCode"] for state in reversed(states) if "terminated" in state), None)
        except Fault:
            return None

    def _place(self, stage: Stage, of: str) -> tuple[str, bool]:
        """The name of the Job to follow, and whether it is going already."""
        number = 1
        while True:
            name = f"{stage.name}-{of}-{number}"
            found = self.client.find("Job", TRAINING, name)
            if found is None or _is_active(found):
                return name, found is not None
            number += 1


def _is_active(job: Mapping[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions", [])
    return not any(each.get("type") in ("Complete", "Failed") and each.get("status") == "True" for each in conditions)


def _failure(stage: Stage, job: str, code: int | None, lines: list[str], problem: Fault) -> FalajError:
    kinds = {int(Exit.USAGE): UsageError, int(Exit.DENIED): Denied, int(Exit.UNDECIDED): Undecided}
    told = [line for line in lines if line.strip()][-12:] or str(problem).splitlines()
    return kinds.get(code or 1, Fault)(
        f"{stage.name} failed",
        given=f"job {job}" + (f", exit {code}" if code is not None else ""),
        why="\n           ".join(told),
        next="mend it, then run the same command again: it goes on here",
    )


def judge(environment: str, run: Path) -> Judgement:
    """Judge a run's candidate with the release rules and write `decision.json`, with what it was given beside it.

    Digests are taken from the files themselves, here, whatever the candidate says of them.
    """
    from infra.pipeline.gate import judge_release
    from infra.pipeline.library import Library

    candidate = read_json(run / "evaluate" / "candidate.json", what="candidate", next="falaj run")
    stages = ("prepare", "train", "compress", "evaluate")
    observed = {f"{stage}/{name}": found for stage in stages for name, found in manifest(run / stage).items()}
    parameters = Library.open().parameters(environment)
    decision = judge_release(candidate, observed, environment, datetime.now(UTC), parameters=parameters)
    write_json(run / "observed.json", observed)
    write_json(run / "parameters.json", parameters)
    decision.write(run / "decision.json")
    reasons = [*decision.faults]
    for rule in decision.rules:
        for kind, found in (("", rule.fail), ("unknown: ", rule.unknown)):
            reasons += [f"{rule.rule}: {kind}{subject}: {reason}" for subject, texts in sorted(found.items()) for reason in texts]
    return Judgement(decision.verdict, tuple(reasons))


def drive(spec: Spec, client: Client, progress: Callable[[str], None], *, until: str = "") -> RunRecord:
    """Do what is left of a run, up to the step `until` where one is named, and record it.

    Raises Denied or Undecided with the gate's reasons when it did not allow.
    """
    folder = runs_folder(spec.environment) / spec.run
    jobs = Jobs(client, progress)
    record = Driver(
        folder,
        jobs.submit,
        lambda run: judge(spec.environment, run),
        now=utc_now,
        clock=time.monotonic,
        cancel=jobs.cancel,
        progress=progress,
        until=until,
    ).drive(spec)
    return require_allowed(record, folder)


def require_allowed(record: RunRecord, folder: Path) -> RunRecord:
    """The record itself. Raises Denied or Undecided with the gate's reasons when it did not allow the run in `folder`."""
    if record.status in ("denied", "undecided"):
        kind = Denied if record.status == "denied" else Undecided
        raise kind(
            f"the gate says {record.status} to run {record.spec.run}",
            given=str(folder / "evaluate" / "candidate.json"),
            why="\n           ".join(record.reasons) or None,
            next="runbooks/gate_denied.md; the release before it goes on being served",
        )
    return record


def note(environment: str, action: str, subject: str, details: Mapping[str, Any]) -> None:
    """Add what was done to the environment's audit log."""
    from infra.audit import chain

    chain.append(environment, action, subject, details, utc_now())


def utc_now() -> str:
    """The time as records hold it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def deployment_env(client: Client) -> dict[str, str]:
    """Plain environment variables of the inference Deployment: where it takes releases from, among others. Raises UsageError without one."""
    found = client.find("Deployment", INFERENCE, SERVICE)
    if found is None:
        raise UsageError(f"there is no Deployment {SERVICE}", given=f"namespace {INFERENCE}", next="falaj up --env local")
    containers = found["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["value"] for each in containers[0].get("env", []) if "value" in each}


def release_store(client: Client) -> Any:
    """The store that the inference Deployment takes its releases from."""
    from workloads.store import Store

    use_local_cloud()
    return Store.open(deployment_env(client)["FALAJ_RELEASES"])


def wait_until_served(client: Client, version: str, progress: Callable[[str], None], *, seconds: float = _SERVED_SECONDS) -> str:
    """Wait until the inference Service and every pod behind it answer as `version`. Returns the address.

    Raises Fault with its last word after `seconds`.
    """
    deadline, said = time.monotonic() + seconds, ""
    while True:
        found = look(client)
        behind = [each.get("version") or each.get("reason") for each in ask_pods(client) if each.get("version") != version]
        if found.get("version") == version and not found.get("problem") and not behind:
            return found["address"]
        reason = str(found.get("reason") or found.get("problem") or f"still serving {behind[0] if behind else found.get('version')}").splitlines()[0]
        if reason != said:
            progress(f"waiting for {version} to be served: {reason}")
            said = reason
        if time.monotonic() > deadline:
            raise Fault(f"release {version} is not being served", given=found.get("address"), why=reason, next="falaj status; the pods' logs say more")
        time.sleep(0.5)


def look(client: Client) -> dict[str, Any]:
    """What the inference Service says of its release now: `version` and `address`, or `reason` where it does not answer."""
    try:
        address = f"http://{client.service_address(INFERENCE, SERVICE)}"
    except FalajError as problem:
        return {"reason": problem.what}
    status, said = _ask(f"{address}/v1/release")
    if status == 200:
        return {"address": address, **said}
    # A Service has no way to a pod that is not ready; the pod itself can say why it is not.
    reasons = [said.get("reason"), *(each.get("reason") for each in ask_pods(client))]
    return {"address": address, "reason": next(filter(None, reasons), f"no pod of {SERVICE} answers")}


def ask_pods(client: Client) -> list[dict[str, Any]]:
    """What each inference pod says of its release; pods that are ending are left out."""
    from infra.sandbox.kubernetes.client import pod_addresses

    pods = [pod for pod in client.list("Pod", INFERENCE) if "deletionTimestamp" not in pod["metadata"]]
    return [_ask(f"http://{address}/v1/release")[1] for pod in pods for address in pod_addresses(pod)]


def _ask(url: str) -> tuple[int | None, dict[str, Any]]:
    try:
        # No proxy of the user's environment has business between us and this machine.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as problem:
        with contextlib.suppress(ValueError, OSError):
            return problem.code, json.loads(problem.read())
        return problem.code, {}
    except (OSError, ValueError, http.client.HTTPException):
        return None, {}
