"""Training over several nodes: pods of one Indexed Job that find each other by name and are each other's only company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components.pods import Mount, Work
from infra.config import naming
from infra.config.model import WorkloadsConfig

RENDEZVOUS = 29400
"""Port at which the first pod lets the others in; torchrun's own default."""
_ANY: Any = {"port": 1024, "end_port": 65535, "protocol": "TCP"}
"""gloo and NCCL take whatever ports the kernel gives them."""
_SHARED_MEMORY = {"empty_dir": {"medium": "Memory", "size_limit": "2Gi"}}
"""What ranks of one pod talk through; a container has 64 MiB of it by default, in which NCCL does not start. It counts as the pod's memory."""
_WOVEN = {
    "FI_PROVIDER": "efa",
    # Pages of that size would be a quota of their own, and what has none of them ends with SIGBUS.
    "FI_EFA_USE_HUGE_PAGE": "0",
    # Without its plugin NCCL takes TCP and says nothing: the log names what it took.
    "NCCL_DEBUG": "INFO",
    "NCCL_DEBUG_SUBSYS": "INIT,NET",
}
"""What libfabric and NCCL are told where pods have EFA."""


def member(work: Work, config: WorkloadsConfig) -> Work:
    """The pod of the train stage as config has it: its size, and, with several nodes, how many there are and where they meet."""
    wanted = config.training
    # Where nobody may have a GPU, none is asked for, however many there are elsewhere.
    sized = replace(work, cpu=wanted.cpu or work.cpu, memory=wanted.memory or work.memory, gpus=(wanted.gpus or work.gpus) if work.gpus else 0)
    told = {**work.environment, "FALAJ_GRACE_SECONDS": str(wanted.grace_seconds)}
    if sized.gpus > 1:
        sized = replace(sized, mounts=[*work.mounts, Mount("shared-memory", "/dev/shm", _SHARED_MEMORY)])
    if wanted.nodes == 1:
        return replace(sized, environment=told)
    nodes = f"{wanted.least_nodes or wanted.nodes}:{wanted.nodes}"
    if sized.gpus and wanted.efas:
        sized, told = replace(sized, efas=wanted.efas), {**told, **_WOVEN}
    # The Job's controller names pods after the Job and their number, and the headless Service makes those names known.
    told |= {"FALAJ_NODES": nodes, "FALAJ_RENDEZVOUS": f"$(FALAJ_JOB)-0.{work.name}:{RENDEZVOUS}"}
    fields = {**work.fields, "FALAJ_JOB": "metadata.labels['batch.kubernetes.io/job-name']"}
    return replace(sized, mig=None, environment=told, fields=fields, ports={**work.ports, "rendezvous": RENDEZVOUS})


def placed(name: str, config: WorkloadsConfig) -> dict[str, Any]:
    """What else the pods need to be found, and to lie close together: what they say to each other is more than a zone's border bears."""
    if config.training.nodes == 1:
        return {}
    near = {"topology_key": "topology.kubernetes.io/zone", "label_selector": {"match_labels": {"app.kubernetes.io/name": name}}}
    return {
        "subdomain": name,
        "affinity": {"pod_affinity": {"preferred_during_scheduling_ignored_during_execution": [{"weight": 100, "pod_affinity_term": near}]}},
    }


class MeetingPlace(pulumi.ComponentResource):
    """A headless Service that gives each pod its name before it is ready, and the one opening of a closed namespace: from these pods to these pods."""

    def __init__(self, name: str, labels: Mapping[str, str], *, team: str = "", opts: ResourceOptions | None = None) -> None:
        label = naming.of_team(name, team)
        super().__init__("falaj:workloads:MeetingPlace", label, None, opts)
        here = ResourceOptions(parent=self)
        selected: Any = {"match_labels": dict(labels)}
        metadata: Any = {"name": name, "namespace": naming.of_team(naming.TRAINING, team), "labels": dict(labels)}
        ports: Any = [{"name": "rendezvous", "port": RENDEZVOUS, "target_port": "rendezvous", "protocol": "TCP"}]
        kubernetes.core.v1.Service(
            label,
            # Nobody waits for pods behind it: they come with a run.
            metadata={**metadata, "annotations": {"pulumi.com/skipAwait": "true"}},
            spec={"type": "ClusterIP", "cluster_ip": "None", "selector": dict(labels), "publish_not_ready_addresses": True, "ports": ports},
            opts=here,
        )
        each_other: Any = [{"pod_selector": selected}]
        kubernetes.networking.v1.NetworkPolicy(
            label,
            metadata=metadata,
            spec={
                "pod_selector": selected,
                "policy_types": ["Ingress", "Egress"],
                "ingress": [{"from_": each_other, "ports": [_ANY]}],
                "egress": [{"to": each_other, "ports": [_ANY]}],
            },
            opts=here,
        )
        self.register_outputs({})
