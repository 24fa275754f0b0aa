"""Job templates: every stage of a run as a suspended CronJob, from which a run makes its Jobs."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from falaj.errors import FINAL_EXIT_CODES
from infra.components import gang
from infra.components.claims import claim_templates
from infra.components.pods import Mount, Work, claim, image, pod, tracked, trust
from infra.components.stores import Place
from infra.config import naming
from infra.config.model import Common, WorkloadsConfig

Urgency = Literal["training", "search"]
TRAIN = "train"
"""The stage that may run on several nodes."""
WORK = "/var/lib/falaj/work"
_NEVER = "0 0 1 1 *"
"""A schedule is demanded even of what is suspended."""
_KEPT_SECONDS = 7 * 24 * 3600
"""How long a finished Job and its logs can be looked at."""
_SIGNING = "/var/run/falaj/signing"
_FEAST = "/opt/feast/bin/python"
"""In the image of the jobs: an environment made from requirements/feast.txt."""
_MOST_FAILURES = 6
"""Of all pods of a job together, as far as the gate lets it (rule job_bounded)."""
_STOPPED = 128 + signal.SIGTERM
"""How a stage ends that was told to stop: its work is kept, and another pod goes on with it."""
LEFT_ALONE = {"karpenter.sh/do-not-disrupt": "true"}
"""Nodes are not tidied away under pods that would lose minutes of work by it."""
_QUEUE, _URGENCY = "kueue.x-k8s.io/queue-name", "kueue.x-k8s.io/priority-class"
GRACE_SECONDS = 120
"""From SIGTERM until the end, where nothing else is said: for the last checkpoint, or to give a trial back."""


class StageLike(Protocol):
    """What is asked of a stage: `workloads.stages.Stage` is one."""

    @property
    def name(self) -> str: ...
    @property
    def args(self) -> tuple[str, ...]: ...
    @property
    def cpu(self) -> str: ...
    @property
    def memory(self) -> str: ...
    @property
    def gpu(self) -> int: ...
    @property
    def deadline_seconds(self) -> int: ...
    @property
    def retries(self) -> int: ...


class JobTemplates(pulumi.ComponentResource):
    """One suspended CronJob per stage, in a training namespace, on its `work` volume; training over several nodes has a place to meet besides, and
    may be a JobSet instead.

    Of the environment itself, or of a `team` in its own namespace, with its own account, volume, buckets and queue; `config` is then as it is for that team.

    A retry starts a new pod, since a stage goes on from its last durable file; SIGTERM leaves time to write one.
    """

    names: list[str]

    def __init__(
        self,
        name: str,
        config: WorkloadsConfig,
        *,
        stages: Sequence[StageLike],
        place: Place,
        accounts: pulumi.Output[dict[str, str]],
        claims: pulumi.Output[dict[str, str]],
        priorities: pulumi.Output[dict[str, str]],
        team: str = "",
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("falaj:workloads:JobTemplates", name, None, opts)
        here = ResourceOptions(parent=self)
        namespace, held = naming.of_team(naming.TRAINING, team), claims[naming.of_team("work", team)]
        around: dict[str, Any] = {"account": accounts[namespace], "priority": priorities["training"], "restart": "Never"}
        for stage in stages:
            work = _work(stage, config, place, held)
            if stage.name == TRAIN:
                spec = pod(gang.member(work, config), grace_seconds=config.training.grace_seconds, **around, **gang.placed(work.name, config))
                in_set = config.training.gang == "jobset"
                made = job(stage, spec, pods=config.training.nodes, indexed=in_set, annotations=LEFT_ALONE)
                if in_set:
                    whole = gang.set_of_jobs(TRAIN, labels(TRAIN), made, restarts=stage.retries, seconds_kept=_KEPT_SECONDS)
                    gang.set_template(TRAIN, labels(TRAIN), whole, here, queued=queued(config), team=team)
                    continue
            else:
                made = job(stage, pod(work, grace_seconds=GRACE_SECONDS, **around))
            template(stage.name, config, made, here, team=team)
        if config.use_gpu and config.devices == "claims":
            counts = {*(stage.gpu for stage in stages if stage.gpu), config.training.gpus or 1}
            claim_templates(naming.of_team("gpus", team), counts, namespace, here)
        if config.training.nodes > 1:
            gang.MeetingPlace(TRAIN, labels(TRAIN), named=config.training.gang == "jobset", team=team, opts=here)
        self.names = [stage.name for stage in stages]
        self.register_outputs({"names": self.names})


def environment_of(config: Common) -> dict[str, pulumi.Input[str]]:
    """What every container is told."""
    cloud = {} if config.site else {"AWS_REGION": config.region, "AWS_STS_REGIONAL_ENDPOINTS": "regional"}
    return {"FALAJ_ENVIRONMENT": config.environment, "FALAJ_OWNER": config.owner, **cloud}


def labels(name: str) -> dict[str, str]:
    """Labels of a workload and of its pods."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "falaj"}


def of_a_run(config: WorkloadsConfig) -> dict[str, pulumi.Input[str]]:
    """What every container is told that works on a run's folder."""
    return {**environment_of(config), "FALAJ_WORK": WORK}


def queued(config: WorkloadsConfig, urgency: Urgency = "training") -> dict[str, str]:
    """Labels by which Kueue lets a job in; none where there is no queue."""
    return {_QUEUE: config.queue, _URGENCY: f"falaj-{urgency}"} if config.queue else {}


def template(name: str, config: WorkloadsConfig, spec: Any, opts: ResourceOptions, *, team: str = "", urgency: Urgency = "training") -> None:
    """A suspended CronJob of a training namespace: what a run, or a person with kubectl, makes Jobs of. `urgency` counts among those that queue."""
    kubernetes.batch.v1.CronJob(
        naming.of_team(name, team),
        metadata={"name": name, "namespace": naming.of_team(naming.TRAINING, team), "labels": labels(name)},
        spec={
            "schedule": _NEVER,
            "suspend": True,
            "concurrency_policy": "Forbid",
            "job_template": {"metadata": {"labels": {**labels(name), **queued(config, urgency)}}, "spec": spec},
        },
        opts=opts,
    )


def job(stage: StageLike, spec: Mapping[str, Any], *, pods: int = 1, apart: bool = False, indexed: bool = False, **more: Mapping[str, str]) -> Any:
    """The Job around a pod: a bounded number of attempts in a bounded time, removed some days after its end.

    No more attempts where it would end so again; an eviction, and an end that was asked for, are no attempt. `pods` run side by side as one Indexed
    Job, which is done when the first of them says so, since they end together; `apart` they do not need each other, and each has attempts of its own.
    A Job is Indexed with one pod too where it is `indexed`, as a JobSet's are.
    `more` are labels and annotations of the pods.
    """
    final = {"action": "FailJob", "on_exit_codes": {"container_name": stage.name, "operator": "In", "values": [int(code) for code in FINAL_EXIT_CODES]}}
    evicted = {"action": "Ignore", "on_pod_conditions": [{"type": "DisruptionTarget", "status": "True"}]}
    stopped = {"action": "Ignore", "on_exit_codes": {"container_name": stage.name, "operator": "In", "values": [int(_STOPPED)]}}
    side_by_side: dict[str, Any] = {
        "completion_mode": "Indexed",
        "completions": pods,
        "parallelism": pods,
        "success_policy": {"rules": [{"succeeded_count": 1}]},
    }
    return {
        **(side_by_side if pods > 1 or apart or indexed else {}),
        **({"backoff_limit_per_index": stage.retries} if apart else {}),
        "backoff_limit": min(stage.retries * pods, _MOST_FAILURES),
        "pod_failure_policy": {"rules": [final, evicted, stopped]},
        "active_deadline_seconds": stage.deadline_seconds,
        "ttl_seconds_after_finished": _KEPT_SECONDS,
        "template": {"metadata": {**more, "labels": {**labels(stage.name), **more.get("labels", {})}}, "spec": dict(spec)},
    }


def _work(stage: StageLike, config: WorkloadsConfig, place: Place, held: pulumi.Input[str]) -> Work:
    certificates, runs = tracked(config)
    mounts: list[Mount] = [claim("work", WORK, held), *place.mounts, *certificates]
    own: dict[str, pulumi.Input[str]] = {**of_a_run(config), **runs, **place.access, **place.run}
    if stage.name == TRAIN:
        # Pages of two megabytes for what is allocated, which only the start of a process can ask for.
        own["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
    if stage.name == "prepare" and config.publish_features:
        own["FALAJ_FEATURE_STORE"] = pulumi.Output.concat("s3://", place.run["FALAJ_DATA_BUCKET"], "/features")
        own["FALAJ_FEATURE_TABLE"] = naming.feature_table(config)
        own["FALAJ_FEAST"] = _FEAST
    if stage.name == "register" and config.release_keys:
        mounts.append(Mount("signing", _SIGNING, {"secret": {"secret_name": "release-signing"}}, read_only=True))
        own["FALAJ_SIGNING_KEY"] = f"{_SIGNING}/release.pem"
    if stage.name == "evaluate":
        # It asks the current release the same rows.
        trusted, told = trust(config)
        mounts, own = [*mounts, *trusted], {**own, **told}
    return Work(
        name=stage.name,
        image=image(config, "falaj-train", config.images.train),
        cpu=stage.cpu,
        memory=stage.memory,
        args=stage.args,
        environment=own,
        mounts=mounts,
        gpus=stage.gpu if config.use_gpu else 0,
        claimed=config.devices == "claims",
        mig=config.mig,
    )
