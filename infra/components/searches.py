"""Searches for better recipes: one Indexed Job whose pods share a study, reach its database and MLflow's server alone, and have no rights at all."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components import openings
from infra.components.jobs import GRACE_SECONDS, LEFT_ALONE, WORK, StageLike, job, labels, of_a_run, template
from infra.components.namespaces import OWN_EGRESS
from infra.components.pods import DATABASE_CERTIFICATES, Mount, Work, claim, image, pod, tracked
from infra.config import naming
from infra.config.model import WorkloadsConfig

_STORAGE = "/var/run/falaj/tune"
_KEY = "url"
"""Key of the Secret: the database's address."""


class Searches(pulumi.ComponentResource):
    """A suspended CronJob of as many workers as config says, with a service account of its own that no role of the cloud or the cluster is bound to.

    The database's address is a file of a Secret that this stack names and never sees. Workers that die are missed by nobody: each has attempts
    of its own, and the Job is done as soon as one of them has seen the end of the search.
    """

    def __init__(
        self,
        name: str,
        config: WorkloadsConfig,
        *,
        stage: StageLike,
        claims: pulumi.Output[dict[str, str]],
        priorities: pulumi.Output[dict[str, str]],
        team: str = "",
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("falaj:workloads:Searches", name, None, opts)
        here, label = ResourceOptions(parent=self), naming.of_team(stage.name, team)
        self._namespace = naming.of_team(naming.TRAINING, team)
        account = kubernetes.core.v1.ServiceAccount(
            label, metadata={"name": naming.TUNE_ACCOUNT, "namespace": self._namespace}, automount_service_account_token=False, opts=here
        )
        self._open(stage.name, label, config, here)
        certificates, runs = tracked(config)
        mounts: list[Mount] = [claim("work", WORK, claims[naming.of_team("work", team)]), *certificates]
        told = {**of_a_run(config), **runs}
        if config.tune.database:
            mounts.append(Mount("storage", _STORAGE, {"secret": {"secret_name": config.tune.secret, "items": [{"key": _KEY, "path": _KEY}]}}, read_only=True))
            if config.tracking == "server":
                mounts.append(Mount("authority", DATABASE_CERTIFICATES, {"config_map": {"name": naming.DATABASE_AUTHORITY}}, read_only=True))
            told["FALAJ_TUNE_STORAGE_FILE"] = f"{_STORAGE}/{_KEY}"
        work = Work(
            name=stage.name,
            image=image(config, "falaj-train", config.images.train),
            cpu=stage.cpu,
            memory=stage.memory,
            args=stage.args,
            # Pages of two megabytes for what is allocated, as in training.
            environment={**told, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
            mounts=mounts,
            gpus=stage.gpu if config.use_gpu else 0,
            claimed=config.devices == "claims",
            mig=config.mig,
        )
        spec = pod(
            work,
            account=account.metadata.apply(lambda found: found.name or naming.TUNE_ACCOUNT),
            priority=priorities["training"],
            grace_seconds=GRACE_SECONDS,
            restart="Never",
        )
        made = job(stage, spec, pods=config.tune.workers, apart=True, labels=OWN_EGRESS, annotations=LEFT_ALONE)
        template(stage.name, config, made, here, team=team, urgency="search")
        self.register_outputs({})

    def _open(self, name: str, label: str, config: WorkloadsConfig, here: ResourceOptions) -> None:
        """Where workers may go besides the name service: to the database, and to MLflow's server. What the namespace opens for other pods is closed to them."""
        database = config.tune.database
        egress = openings.to(database.port, database.cidrs, database.namespace) if database else []
        if config.tracking == "server":
            egress += openings.to(naming.TRACKING_PORT, (), naming.TRACKING)
        kubernetes.networking.v1.NetworkPolicy(
            label,
            metadata={"name": name, "namespace": self._namespace},
            spec={
                "pod_selector": {"match_labels": labels(name)},
                "policy_types": ["Ingress", "Egress"],
                **({"egress": egress} if egress else {}),
            },
            opts=here,
        )
