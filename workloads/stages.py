"""The stages of road B and their order, as data. This table is the only place that knows either; importing it costs nothing.

The workloads stack makes a suspended CronJob (a job template) of every stage, `falaj run` makes Jobs from them, and
`python -m workloads` is what those Jobs run. The gate is not a job: whoever asks for a release must not be the one who
grants it, so the command line judges the candidate between `evaluate` and `register`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage as a Job: what it runs, what it may use, how long it may take, and which stages it reads."""

    name: str
    args: tuple[str, ...]
    """First arguments of the container; a run adds `--run ID` and its own."""
    cpu: str
    """CPU request and limit, as Kubernetes writes it."""
    memory: str
    """Memory request and limit, as Kubernetes writes it."""
    gpu: int
    """GPUs the stage can use where the environment has a GPU pool; it runs without, only slower."""
    deadline_seconds: int
    """After this the Job is ended and counts as failed (activeDeadlineSeconds)."""
    retries: int
    """How often a failed pod is started again (backoffLimit)."""
    after: tuple[str, ...]
    """Stages, or the gate, that must have succeeded before."""


GATE = "gate"
"""The judgement before `register`; made by the command line, not by a Job."""
GATE_AFTER = ("evaluate",)
"""Stages that the gate reads."""

STAGES: tuple[Stage, ...] = (
    Stage("prepare", ("prepare",), cpu="2", memory="4Gi", gpu=0, deadline_seconds=1800, retries=1, after=()),
    Stage("train", ("train",), cpu="2", memory="8Gi", gpu=1, deadline_seconds=14400, retries=2, after=("prepare",)),
    Stage("compress", ("compress",), cpu="2", memory="8Gi", gpu=0, deadline_seconds=3600, retries=1, after=("train",)),
    Stage("evaluate", ("evaluate",), cpu="2", memory="8Gi", gpu=0, deadline_seconds=7200, retries=1, after=("prepare", "train", "compress")),
    Stage("register", ("register",), cpu="1", memory="4Gi", gpu=0, deadline_seconds=1800, retries=2, after=(GATE,)),
)
"""Each after those that it reads; stages that do not read each other run side by side."""

STAGE_NAMES: tuple[str, ...] = tuple(stage.name for stage in STAGES)

DRIFT = Stage("drift", ("drift",), cpu="1", memory="2Gi", gpu=0, deadline_seconds=900, retries=1, after=())
"""The scheduled comparison of live requests with the reference profile; a CronJob in the inference namespace, not part of a run."""
TUNE = Stage("tune", ("tune",), cpu="2", memory="8Gi", gpu=1, deadline_seconds=86400, retries=2, after=("prepare",))
"""One worker of a search for a better recipe; as many as the environment says run side by side, over the prepared data of a run."""


def stage(name: str) -> Stage:
    """The stage called `name`. Raises KeyError, naming the stages there are."""
    for candidate in (*STAGES, DRIFT, TUNE):
        if candidate.name == name:
            return candidate
    raise KeyError(f"{name!r} is not a stage; the stages are {', '.join((*STAGE_NAMES, DRIFT.name))} and {TUNE.name}")


def reads(name: str, stages: tuple[Stage, ...] = STAGES) -> tuple[str, ...]:
    """The steps whose results the step `name` reads, which may be the gate."""
    return GATE_AFTER if name == GATE else next(each.after for each in stages if each.name == name)


def road(stages: tuple[Stage, ...] = STAGES) -> tuple[str, ...]:
    """Every step of a run in order, the gate included where a stage asks for it."""
    order: list[str] = []
    for each in stages:
        if GATE in each.after and GATE not in order:
            order.append(GATE)
        order.append(each.name)
    return tuple(order)
