"""The facts of a run, gathered from its documents for people to read. What is not there yet is None or empty, never an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from falaj.canonical import digest_file
from falaj.errors import UsageError
from falaj.home import environment_folder, evidence_folder, runs_folder, volume_folder
from infra.artifacts import ApplyRecord, Decision, Plan, RuleResult
from infra.audit import chain
from infra.audit.bindings import artifact, document
from infra.audit.evidence import EvidenceFolder, open_evidence

STACKS = ("foundation", "cluster", "platform", "workloads")
"""Reading order; other stacks follow by name."""


@dataclass(frozen=True)
class StackStory:
    """One stack: what was planned, what the gate said, what was done. `seconds` is the sum over steps."""

    name: str
    resources: int
    changes: dict[str, int]
    verdict: str | None
    rules: int
    judged: int
    result: str | None
    steps: int
    seconds: float
    engine: str
    error: str | None


@dataclass(frozen=True)
class RuleStory:
    """One rule over the latest decisions; `reasons` are (subject, why) of what failed or is unknown."""

    rule: str
    title: str
    severity: str
    kind: str
    judged: int
    failed: int
    unknown: int
    remediation: str
    runbook: str
    reasons: list[tuple[str, str]]

    @property
    def status(self) -> str:
        if self.failed:
            return "fail"
        if self.unknown:
            return "unknown"
        return "pass" if self.judged else "judged nothing"


@dataclass(frozen=True)
class Score:
    """A score in [0, 1] with its 95 % interval where there is one; kind is `base`, `seed`, `full` or `int8`."""

    kind: str
    label: str
    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class TaskStory:
    """One task with the scores of everything that was scored on it, in the order to compare."""

    name: str
    metric: str
    rows: int | None
    scores: list[Score]

    def score(self, kind: str) -> float | None:
        return next((each.value for each in self.scores if each.kind == kind), None)

    @property
    def lost(self) -> float | None:
        """Share of the full model's score that INT8 lost; negative when it gained."""
        full, small = self.score("full"), self.score("int8")
        return None if not full or small is None else (full - small) / full


@dataclass(frozen=True)
class ModelStory:
    """The latest run of road B."""

    run: str
    status: str | None
    reasons: list[str]
    steps: list[tuple[str, str, float]]
    """(step, status, seconds)."""
    seconds: float
    tasks: list[TaskStory]
    sizes: list[tuple[str, str, int]]
    """(kind, label, bytes)."""
    speed: list[tuple[str, str, float]]
    """(kind, label, tokens per second)."""
    base_model: dict[str, Any]
    data: dict[str, Any]
    recipe: str
    verdict: str | None
    release: dict[str, Any] | None
    release_signed: bool
    release_key: str | None
    """Digest of the public key file in the release."""


@dataclass(frozen=True)
class Measure:
    """One drift statistic."""

    name: str
    value: float
    threshold: float
    drift: bool


@dataclass(frozen=True)
class DriftStory:
    """One comparison of live requests with the reference profile."""

    name: str
    state: str
    """`ok`, `drift` or `too little data`."""
    requests: int | None
    release: str
    created: str
    measures: list[Measure]


@dataclass(frozen=True)
class Story:
    """Everything the report tells about one environment."""

    environment: str
    as_of: str | None
    stacks: list[StackStory]
    rules: list[RuleStory]
    model: ModelStory | None
    drift: list[DriftStory]
    evidence: EvidenceFolder | None
    log: list[chain.Entry]
    addresses: dict[str, str] = field(default_factory=dict)
    timings: list[tuple[str, float]] = field(default_factory=list)

    @property
    def alarms(self) -> int:
        return sum(each.state == "drift" for each in self.drift)

    @property
    def judged(self) -> int:
        return sum(rule.judged for rule in self.rules)

    @property
    def failed(self) -> int:
        return sum(rule.failed for rule in self.rules)

    @property
    def unknown(self) -> int:
        return sum(rule.unknown for rule in self.rules)


def tell(environment: str) -> Story:
    """Read the documents of an environment. Files that cannot be read count as not there."""
    folder = environment_folder(environment)
    run = _latest_run(environment)
    decisions = _decisions(folder, run)
    stacks = [_stack(path) for path in _stack_folders(folder)]
    up = document(folder / "up.json") or {}
    log = _log(environment)
    return Story(
        environment=environment,
        as_of=log[-1].at if log else max((decision.decided_at for decision in decisions), default=None),
        stacks=stacks,
        rules=_rules(decisions),
        model=_model(run) if run else None,
        drift=_drift(environment),
        evidence=_evidence(environment),
        log=log,
        addresses={str(name): str(url) for name, url in _dict(up.get("addresses")).items()},
        timings=_timings(up.get("timings")),
    )


def _stack_folders(folder: Path) -> list[Path]:
    found = [path for path in (folder / "stacks").glob("*") if (path / "plan.json").exists()]
    return sorted(found, key=lambda path: (STACKS.index(path.name) if path.name in STACKS else len(STACKS), path.name))


def _stack(folder: Path) -> StackStory:
    plan, decision, record = artifact(Plan, folder / "plan.json"), artifact(Decision, folder / "decision.json"), artifact(ApplyRecord, folder / "apply.json")
    steps = record.steps if record else []
    return StackStory(
        name=folder.name,
        resources=sum(resource.op != "delete" for resource in plan.resources) if plan else 0,
        changes=plan.changes() if plan else {},
        verdict=decision.verdict if decision else None,
        rules=len(decision.rules) if decision else 0,
        judged=sum(len(rule.judged) for rule in decision.rules) if decision else 0,
        result=record.result if record else None,
        steps=len(steps),
        seconds=sum(step.seconds for step in steps),
        engine=record.engine if record else "",
        error=record.error if record else None,
    )


def _decisions(folder: Path, run: Path | None) -> list[Decision]:
    paths = [path / "decision.json" for path in _stack_folders(folder)] + ([run / "decision.json"] if run else [])
    return [decision for path in paths if (decision := artifact(Decision, path)) is not None]


def _rules(decisions: list[Decision]) -> list[RuleStory]:
    """One line per rule over all decisions: worst first, then as the gate ordered them."""
    grouped: dict[tuple[str, str], list[RuleResult]] = {}
    for decision in decisions:
        for rule in decision.rules:
            grouped.setdefault((decision.kind, rule.rule), []).append(rule)
    stories = [
        RuleStory(
            rule=name,
            title=results[0].title,
            severity=results[0].severity,
            kind=kind,
            judged=sum(len(result.judged) for result in results),
            failed=sum(len(result.fail) for result in results),
            unknown=sum(len(set(result.unknown) - set(result.fail)) for result in results),
            remediation=results[0].remediation,
            runbook=results[0].runbook,
            reasons=[reason for result in results for reason in _reasons(result)],
        )
        for (kind, name), results in grouped.items()
    ]
    order = {"fail": 0, "unknown": 1, "pass": 2, "judged nothing": 3}
    return sorted(stories, key=lambda story: order[story.status])


def _reasons(result: RuleResult) -> list[tuple[str, str]]:
    return [(subject.rsplit("::", 1)[-1], why) for found in (result.fail, result.unknown) for subject, whys in found.items() for why in whys]


def _latest_run(environment: str) -> Path | None:
    """The run that was started last; its record says when."""
    found = [(str(_dict(document(path / "run.json")).get("started") or ""), path.name, path) for path in runs_folder(environment).glob("*") if path.is_dir()]
    return max(found)[2] if found else None


def _model(run: Path) -> ModelStory:
    record, candidate = _dict(document(run / "run.json")), _dict(document(run / "evaluate" / "candidate.json"))
    release = run / "register"
    decision = artifact(Decision, run / "decision.json")
    steps = [_dict(step) for step in record.get("steps") or []]
    key = release / "key.pem"
    return ModelStory(
        run=run.name,
        status=record.get("status"),
        reasons=[str(reason) for reason in record.get("reasons") or []],
        steps=[(str(step.get("name")), str(step.get("status")), float(step.get("seconds") or 0)) for step in steps],
        seconds=float(record.get("seconds") or 0),
        tasks=_tasks(_dict(candidate.get("evaluation"))),
        sizes=[(kind, label, int(size)) for kind, label in _MODELS if (size := _dict(_dict(candidate.get("models")).get(kind)).get("bytes"))],
        speed=_speed(_dict(document(run / "evaluate" / "eval.json"))),
        base_model=_filled(candidate.get("base_model"), "name", "licence"),
        data=_filled(candidate.get("data"), "name", "rows"),
        recipe=str(record.get("recipe") or _dict(candidate.get("recipe")).get("name") or ""),
        verdict=decision.verdict if decision else None,
        release=_filled(found, "version", "parent", "candidate", "decision") if (found := document(release / "release.json")) else None,
        release_signed=(release / "model.sig").exists(),
        release_key=digest_file(key) if key.exists() else None,
    )


_MODELS = (("full", "fine-tuned, full precision"), ("int8", "fine-tuned, INT8"))
_BASELINES = {"lead8": "first 8 words", "majority": "most frequent answer"}


def _tasks(evaluation: dict[str, Any]) -> list[TaskStory]:
    models, baselines = _dict(evaluation.get("models")), _dict(evaluation.get("baselines"))
    stories = []
    for name, about in _dict(evaluation.get("tasks")).items():
        metric = str(_dict(about).get("metric", ""))
        columns = [("base", _BASELINES.get(each, each), baselines[each]) for each in sorted(baselines)]
        columns += [(kind, label, models.get(kind)) for kind, label in (("seed", "untouched seed"), *_MODELS)]
        scores = [score for kind, label, by_task in columns if (score := _score(kind, label, _dict(_dict(by_task).get(name)), metric)) is not None]
        stories.append(TaskStory(name, metric, _dict(about).get("rows"), scores))
    return stories


def _score(kind: str, label: str, found: dict[str, Any], metric: str) -> Score | None:
    value, low, high = (found.get(key) for key in (metric, f"{metric}_low", f"{metric}_high"))
    if not isinstance(value, int | float):
        return None
    interval = (float(low), float(high)) if isinstance(low, int | float) and isinstance(high, int | float) else None
    return Score(kind, label, float(value), interval)


def _speed(report: dict[str, Any]) -> list[tuple[str, str, float]]:
    """Tokens per second of each model while it was evaluated, on the machine that evaluated it."""
    speed = _dict(report.get("speed"))
    rates = [(kind, label, _dict(speed.get(kind)).get("tokens_per_second")) for kind, label in _MODELS]
    return [(kind, label, float(rate)) for kind, label, rate in rates if isinstance(rate, int | float)]


def _drift(environment: str) -> list[DriftStory]:
    """The demonstration's comparisons and the last one of live requests, in the order they were made; history is left to the evidence."""
    top = volume_folder(environment, "inference", "requests") / "drift"
    found = [(f"demonstration, {path.stem} requests", _dict(document(path))) for path in sorted((top / "demo").glob("*.json"))]
    found.append(("live requests", _dict(document(top / "drift.json"))))
    return sorted((_drift_story(name, report) for name, report in found if report), key=lambda story: (story.created, story.name))


def _drift_story(name: str, report: dict[str, Any]) -> DriftStory:
    requests = _dict(report.get("window")).get("requests")
    return DriftStory(
        name=name,
        state=str(report.get("state", "")).replace("_", " "),
        requests=requests if isinstance(requests, int) else None,
        release=str(report.get("release") or ""),
        created=str(report.get("decided_at") or ""),
        measures=[
            Measure(f"{each['feature']}, {each['statistic']}", float(each["value"]), float(each["threshold"]), bool(each["drift"]))
            for each in map(_dict, report.get("statistics") or [])
            if {"feature", "statistic", "value", "threshold", "drift"} <= set(each)
        ],
    )


def _evidence(environment: str) -> EvidenceFolder | None:
    try:
        return open_evidence(evidence_folder(environment))
    except UsageError:
        return None


def _log(environment: str) -> list[chain.Entry]:
    path = chain.audit_log(environment)
    if not path.exists():
        return []
    try:
        return list(chain.read(path))
    except ValueError:
        return []


def _timings(value: Any) -> list[tuple[str, float]]:
    """Pairs of step and seconds, in the order they were taken."""
    pairs = [pair for pair in value or [] if isinstance(pair, list) and len(pair) == 2] if isinstance(value, list) else list(_dict(value).items())
    return [(str(name), float(seconds)) for name, seconds in pairs if isinstance(seconds, int | float)]


def _filled(value: Any, *keys: str) -> dict[str, Any]:
    """`value` with an empty text for each of `keys` that it lacks."""
    return {**dict.fromkeys(keys, ""), **_dict(value)}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
