"""Job templates: every stage of a run as a suspended CronJob, from which a run makes its Jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from falaj.errors import FINAL_EXIT_CODES
from infra.components.pods import Mount, Work, claim, image, pod, trust
from infra.config import naming
from infra.config.model import WorkloadsConfig

WORK = "/var/lib/falaj/work"
_NEVER = "0 0 1 1 *"
"""A schedule is demanded even of what is suspended."""
_KEPT_SECONDS = 7 * 24 * 3600
"""How long a finished Job and its logs can be looked at."""
_SIGNING = "/var/run/falaj/signing"


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
    """One suspended CronJob per stage, in the training namespace, on the `work` volume.

    A retry starts a new pod, since a stage goes on from its last durable file; SIGTERM leaves two minutes to write one.
    """

    names: list[str]

    def __init__(
        self,
        name: str,
        config: WorkloadsConfig,
        *,
        stages: Sequence[StageLike],
        buckets: pulumi.Output[dict[str, str]],
        accounts: pulumi.Output[dict[str, str]],
        claims: pulumi.Output[dict[str, str]],
        priorities: pulumi.Output[dict[str, str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("falaj:workloads:JobTemplates", name, None, opts)
        environment = {
            **environment_of(config),
            "FALAJ_WORK": WORK,
            "FALAJ_DATA_BUCKET": buckets["data"],
            "FALAJ_ARTIFACTS_BUCKET": buckets["artifacts"],
            "MLFLOW_TRACKING_URI": config.tracking_uri,
        }
        for stage in stages:
            work = _work(stage, config, environment, claims["work"])
            spec = job(stage, pod(work, account=accounts[naming.TRAINING], priority=priorities["training"], grace_seconds=120, restart="Never"))
            kubernetes.batch.v1.CronJob(
                stage.name,
                metadata={"name": stage.name, "namespace": naming.TRAINING, "labels": labels(stage.name)},
                spec={
                    "schedule": _NEVER,
                    "suspend": True,
                    "concurrency_policy": "Forbid",
                    "job_template": {"metadata": {"labels": labels(stage.name)}, "spec": spec},
                },
                opts=ResourceOptions(parent=self),
            )
        self.names = [stage.name for stage in stages]
        self.register_outputs({"names": self.names})


def environment_of(config: WorkloadsConfig) -> dict[str, pulumi.Input[str]]:
    """What every container is told."""
    return {"FALAJ_ENVIRONMENT": config.environment, "FALAJ_OWNER": config.owner, "AWS_REGION": config.region, "AWS_STS_REGIONAL_ENDPOINTS": "regional"}


def labels(name: str) -> dict[str, str]:
    """Labels of a workload and of its pods."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "falaj"}


def job(stage: StageLike, spec: Mapping[str, Any]) -> Any:
    """The Job around a pod: a bounded number of attempts in a bounded time, none where it would end so again, removed some days after its end."""
    final = {"action": "FailJob", "on_exit_codes": {"container_name": stage.name, "operator": "In", "values": [int(code) for code in FINAL_EXIT_CODES]}}
    return {
        "backoff_limit": stage.retries,
        "pod_failure_policy": {"rules": [final]},
        "active_deadline_seconds": stage.deadline_seconds,
        "ttl_seconds_after_finished": _KEPT_SECONDS,
        "template": {"metadata": {"labels": labels(stage.name)}, "spec": dict(spec)},
    }


def _work(stage: StageLike, config: WorkloadsConfig, environment: Mapping[str, pulumi.Input[str]], held: pulumi.Input[str]) -> Work:
    mounts: list[Mount] = [claim("work", WORK, held)]
    own: dict[str, pulumi.Input[str]] = dict(environment)
    if stage.name == "train":
        # Pages of two megabytes for what is allocated, which only the start of a process can ask for.
        own["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
    if stage.name == "register" and config.release_keys:
        mounts.append(Mount("signing", _SIGNING, {"secret": {"secret_name": "release-signing"}}, read_only=True))
        own["FALAJ_SIGNING_KEY"] = f"{_SIGNING}/release.pem"
    if stage.name == "evaluate":
        # It asks the current release the same rows; where nobody has put the key here it says that it could not.
        trusted, told = trust(config, needed=False)
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
    )
