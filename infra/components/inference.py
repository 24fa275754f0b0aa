"""The model server: replicas that spread, scale with their load and drain before they end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from falaj.processors import CLASSES, LABEL, Processor
from infra.components.jobs import environment_of, labels
from infra.components.pods import Work, claim, container, image, pod, trust
from infra.components.stores import Place
from infra.config import naming
from infra.config.model import WorkloadsConfig

PORT = 8080
_MODEL = "falaj/model"
"""Label of all pods that answer for a model, whichever release they serve; its Service looks for it."""
REQUESTS = "/var/lib/falaj/requests"
_ANSWER_SECONDS = 20
"""The longest that a request in flight is waited for after the drain."""
_NOT_WAITED_FOR = {"annotations": {"pulumi.com/skipAwait": "true"}}
"""Ready means that a release is served, and the first release comes after this stack."""


class Inference(pulumi.ComponentResource):
    """Deployment, Service, HorizontalPodAutoscaler and PodDisruptionBudget of one model; with a canary, a second Deployment behind the Service.

    Of the environment itself, or of a `team` in its own namespace; `config` is then as it is for that team.
    """

    service: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        config: WorkloadsConfig,
        *,
        place: Place,
        accounts: pulumi.Output[dict[str, str]],
        claims: pulumi.Output[dict[str, str]],
        priorities: pulumi.Output[dict[str, str]],
        team: str = "",
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("falaj:workloads:Inference", naming.of_team(name, team), None, opts)
        self._here, self._config, self._model, self._team, self._place = ResourceOptions(parent=self), config, {_MODEL: name}, team, place
        self._namespace = naming.of_team(naming.INFERENCE, team)
        told: dict[str, pulumi.Input[str]] = {"FALAJ_RELEASES": place.releases, **place.access}
        requests = claims[naming.of_team("requests", team)]
        around: dict[str, Any] = {"account": accounts[self._namespace], "priority": priorities["serving"], "requests": requests}
        deployment = self._deployment(name, told, config.serving.minimum, scaled=config.serving.maximum > config.serving.minimum, **around)
        self._scale(name, deployment)
        if canary := config.canary:
            pinned = {"FALAJ_SERVE_RELEASE": f"{canary.version}@{canary.digest}"}
            self._deployment(f"{name}-canary", {**told, **pinned}, canary.replicas, scaled=False, **around)
        kubernetes.core.v1.Service(
            naming.of_team(name, team),
            metadata={**self._metadata(name), **_NOT_WAITED_FOR},
            spec={"type": "ClusterIP", "selector": self._model, "ports": [{"name": "http", "port": 80, "target_port": "http", "protocol": "TCP"}]},
            opts=self._here,
        )
        self.service = pulumi.Output.from_input(f"{self._namespace}/{name}")
        self.register_outputs({"service": self.service})

    def _deployment(
        self,
        name: str,
        own: Mapping[str, pulumi.Input[str]],
        replicas: int,
        *,
        scaled: bool,
        account: pulumi.Input[str],
        priority: pulumi.Input[str],
        requests: pulumi.Input[str],
    ) -> kubernetes.apps.v1.Deployment:
        """Servers that are told `own`, and a budget that keeps all of them but one standing; `scaled`: somebody else sets their number later."""
        config, metadata = self._config, self._metadata(name)
        mounts, told = trust(config)
        work = Work(
            name=name,
            image=image(config, "falaj-serve", config.images.serve),
            cpu=str(config.serving.cpu),
            memory=config.serving.memory,
            environment={
                **environment_of(config),
                "PORT": str(PORT),
                "FALAJ_SERVE_HOST": "0.0.0.0",
                # Network policies let in the namespaces that may ask; a gateway with keys or tokens is for whoever is further away.
                "FALAJ_AUTH": "none",
                "FALAJ_BEHIND_PROXY": "1",
                # Pages of 2 MiB where the node has them: a step reads all weights.
                "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
                **own,
                "FALAJ_REQUESTS": REQUESTS,
                **log_policy(),
                **told,
            },
            mounts=[claim("requests", REQUESTS, requests), *(replace(each, read_only=True) for each in self._place.mounts), *mounts],
            ports={"http": PORT},
        )
        spec = pod(
            work,
            account=account,
            priority=priority,
            grace_seconds=config.serving.drain_seconds + _ANSWER_SECONDS,
            restart="Always",
            containers=[container(work, **probes(config.serving.drain_seconds))],
            affinity=affinity(config.serving.cpus),
            topology_spread_constraints=[spread(key, name) for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")],
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            naming.of_team(name, self._team),
            metadata=metadata,
            spec={"max_unavailable": 1, "selector": {"match_labels": labels(name)}},
            opts=self._here,
        )
        return kubernetes.apps.v1.Deployment(
            naming.of_team(name, self._team),
            metadata={**metadata, "labels": {**metadata["labels"], **naming.recovery_labels(config, keeps=False)}, **_NOT_WAITED_FOR},
            spec={
                "replicas": replicas,
                "revision_history_limit": 5,
                "selector": {"match_labels": labels(name)},
                # A new replica is ready before an old one goes: nobody waits for a roll-out.
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}},
                "template": {"metadata": {"labels": {**labels(name), **self._model, "falaj/serves": "true"}}, "spec": spec},
            },
            opts=ResourceOptions(parent=self, ignore_changes=["spec.replicas"] if scaled else None),
        )

    def _metadata(self, name: str) -> Any:
        return {"name": name, "namespace": self._namespace, "labels": labels(name)}

    def _scale(self, name: str, deployment: kubernetes.apps.v1.Deployment) -> None:
        serving = self._config.serving
        target: Any = {"type": "Utilization", "average_utilization": serving.target_cpu_percent}
        kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
            naming.of_team(name, self._team),
            metadata=self._metadata(name),
            spec={
                "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": name},
                "min_replicas": serving.minimum,
                "max_replicas": serving.maximum,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
                # Up at once, down slowly: a new replica has to load the model first.
                "behavior": {"scale_up": {"stabilization_window_seconds": 0}, "scale_down": {"stabilization_window_seconds": 300}},
            },
            opts=ResourceOptions(parent=self, depends_on=[deployment]),
        )


def log_policy() -> dict[str, pulumi.Input[str]]:
    """What the request log keeps, and for how long: features of a request, never its text, for a month."""
    return {"FALAJ_REQUEST_LOG": "features", "FALAJ_REQUEST_LOG_DAYS": "30"}


def probes(drain_seconds: int) -> dict[str, Any]:
    """Two minutes to start, then alive and ready are different questions: a replica without a release is alive and not ready."""
    alive, ready = ({"path": path, "port": "http"} for path in ("/healthz", "/readyz"))
    return {
        "startup_probe": {"http_get": alive, "period_seconds": 1, "timeout_seconds": 2, "failure_threshold": 120},
        "liveness_probe": {"http_get": alive, "period_seconds": 10, "timeout_seconds": 5, "failure_threshold": 3},
        "readiness_probe": {"http_get": ready, "period_seconds": 2, "timeout_seconds": 2, "failure_threshold": 2},
        "lifecycle": {"pre_stop": {"sleep": {"seconds": drain_seconds}}},
    }


def affinity(wanted: Sequence[Processor]) -> dict[str, Any]:
    """Nodes whose processors multiply 8-bit numbers fastest; `wanted` are the only ones, in their order, where any are named."""
    kinds = list(wanted or [name for name in CLASSES if name != "plain"])
    preferred = [
        {"weight": 100 * (len(kinds) - place) // len(kinds), "preference": {"match_expressions": [{"key": LABEL, "operator": "In", "values": [name]}]}}
        for place, name in enumerate(kinds)
    ]
    node: dict[str, Any] = {"preferred_during_scheduling_ignored_during_execution": preferred}
    if wanted:
        terms = [{"match_expressions": [{"key": LABEL, "operator": "In", "values": list(wanted)}]}]
        node["required_during_scheduling_ignored_during_execution"] = {"node_selector_terms": terms}
    return {"node_affinity": node}


def spread(key: str, name: str) -> dict[str, Any]:
    """Spread replicas evenly over `key`, as far as there is room."""
    return {"max_skew": 1, "topology_key": key, "when_unsatisfiable": "ScheduleAnyway", "label_selector": {"match_labels": labels(name)}}
