"""What runs by the clock: the comparison of live requests with what the model was trained on."""

from __future__ import annotations

from dataclasses import replace

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components.inference import REQUESTS, log_policy
from infra.components.jobs import StageLike, environment_of, job, labels
from infra.components.pods import Work, claim, image, pod, trust
from infra.components.stores import Place
from infra.config import naming
from infra.config.model import WorkloadsConfig


class DriftSchedule(pulumi.ComponentResource):
    """A CronJob in the inference namespace that reads the request log; one at a time, and a missed one is made up for within the hour."""

    def __init__(
        self,
        name: str,
        config: WorkloadsConfig,
        *,
        stage: StageLike,
        place: Place,
        accounts: pulumi.Output[dict[str, str]],
        claims: pulumi.Output[dict[str, str]],
        priorities: pulumi.Output[dict[str, str]],
        team: str = "",
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("falaj:workloads:DriftSchedule", name, None, opts)
        namespace = naming.of_team(naming.INFERENCE, team)
        mounts, told = trust(config)
        work = Work(
            name=stage.name,
            image=image(config, "falaj-train", config.images.train),
            cpu=stage.cpu,
            memory=stage.memory,
            args=stage.args,
            environment={
                **environment_of(config),
                **place.access,
                "FALAJ_RELEASES": place.releases,
                "FALAJ_REQUESTS": REQUESTS,
                **log_policy(),
                **told,
            },
            mounts=[claim("requests", REQUESTS, claims[naming.of_team("requests", team)]), *(replace(each, read_only=True) for each in place.mounts), *mounts],
        )
        spec = job(stage, pod(work, account=accounts[namespace], priority=priorities["training"], grace_seconds=30, restart="Never"))
        kubernetes.batch.v1.CronJob(
            naming.of_team(stage.name, team),
            metadata={"name": stage.name, "namespace": namespace, "labels": labels(stage.name)},
            spec={
                "schedule": config.schedules.drift,
                "time_zone": config.schedules.time_zone,
                "suspend": False,
                "concurrency_policy": "Forbid",
                "starting_deadline_seconds": 3600,
                "successful_jobs_history_limit": 3,
                "failed_jobs_history_limit": 3,
                "job_template": {"metadata": {"labels": labels(stage.name)}, "spec": spec},
            },
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})
