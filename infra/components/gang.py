"""Training over several nodes: pods of one Indexed Job, alone or in a JobSet, that find each other by name and are each other's only company."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components.custom_objects import custom_object
from infra.components.pods import Mount, Work
from infra.config import naming
from infra.config.model import WorkloadsConfig

RENDEZVOUS = 29400
"""Port at which the first pod lets the others in; torchrun's own default."""
TEMPLATE = "falaj/template"
"""Manager of a JobSet that is a template: there is no such controller, and the one of JobSets leaves such a set alone."""
LABELS_OF_A_RUN = "falaj/labels-of-a-run"
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
    # The Job's controller names pods after the Job and their number, and a headless Service makes those names known: ours, or the JobSet's of its name.
    fields, place = {**work.fields, "FALAJ_JOB": "metadata.labels['batch.kubernetes.io/job-name']"}, work.name
    if wanted.gang == "jobset":
        fields, place = {**fields, "FALAJ_GANG": "metadata.labels['jobset.sigs.k8s.io/jobset-name']"}, "$(FALAJ_GANG)"
    told |= {"FALAJ_NODES": nodes, "FALAJ_RENDEZVOUS": f"$(FALAJ_JOB)-0.{place}:{RENDEZVOUS}"}
    return replace(sized, mig=None, environment=told, fields=fields, ports={**work.ports, "rendezvous": RENDEZVOUS})


def placed(name: str, config: WorkloadsConfig) -> dict[str, Any]:
    """What else the pods need to be found, and to lie close together: what they say to each other is more than a zone's border bears."""
    if config.training.nodes == 1:
        return {}
    near = {"topology_key": "topology.kubernetes.io/zone", "label_selector": {"match_labels": {"app.kubernetes.io/name": name}}}
    return {
        # A JobSet's controller puts its own here.
        **({"subdomain": name} if config.training.gang == "job" else {}),
        "affinity": {"pod_affinity": {"preferred_during_scheduling_ignored_during_execution": [{"weight": 100, "pod_affinity_term": near}]}},
    }


def set_of_jobs(name: str, labels: Mapping[str, str], job: Mapping[str, Any], *, restarts: int, seconds_kept: int) -> dict[str, Any]:
    """Spec of a JobSet of one `job`, all of whose pods are started over up to `restarts` times when one of them fails, as each of them needs all.

    It is a template: nobody acts on it while it names a manager that there is not. What would only be repeated is not, nor is the job's time
    counted anew after it ran out.
    """
    final = {"name": "final", "action": "FailJobSet", "onJobFailureReasons": ["PodFailurePolicy", "DeadlineExceeded"]}
    alone = {key: value for key, value in job.items() if key != "ttl_seconds_after_finished"}
    # A pod that fails is the set's business, and not tried again by itself.
    template = _as_written({**alone, "backoff_limit": 0})
    return {
        "suspend": True,
        "managedBy": TEMPLATE,
        "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
        "successPolicy": {"operator": "All"},
        "failurePolicy": {"maxRestarts": restarts, "restartStrategy": "BlockingRecreate", "rules": [final]},
        "ttlSecondsAfterFinished": seconds_kept,
        "replicatedJobs": [{"name": name, "replicas": 1, "template": {"metadata": {"labels": dict(labels)}, "spec": template}}],
    }


def _as_written(value: Any) -> Any:
    """Names of fields as the API writes them; the SDK turns them for kinds that it knows alone. Labels and amounts have no underscore."""
    if isinstance(value, Mapping):
        return {re.sub("_([a-z])", lambda found: found[1].upper(), key): _as_written(inner) for key, inner in value.items()}
    return [_as_written(inner) for inner in value] if isinstance(value, list | tuple) else value


def set_template(name: str, labels: Mapping[str, str], spec: Mapping[str, Any], opts: ResourceOptions, *, queued: Mapping[str, str], team: str = "") -> None:
    """Register a JobSet that nobody acts on, from which a run makes its own (docs/training.md says how).

    Labels by which Kueue would start it are those of a run alone, so they stand in an annotation.
    """
    metadata: Any = {"name": name, "namespace": naming.of_team(naming.TRAINING, team), "labels": dict(labels)}
    metadata["annotations"] = {LABELS_OF_A_RUN: json.dumps(dict(queued), sort_keys=True)}
    # Its jobs cannot be changed, and two of one name cannot stand beside each other.
    anew = ResourceOptions(replace_on_changes=["spec"], delete_before_replace=True)
    custom_object("jobset.x-k8s.io/v1alpha2", "JobSet", naming.of_team(name, team), metadata, {"spec": spec}, ResourceOptions.merge(opts, anew))


class MeetingPlace(pulumi.ComponentResource):
    """The one opening of a closed namespace: from these pods to these pods; and, where nobody else makes one, a headless Service that gives each pod
    its name before it is ready."""

    def __init__(self, name: str, labels: Mapping[str, str], *, named: bool, team: str = "", opts: ResourceOptions | None = None) -> None:
        label = naming.of_team(name, team)
        super().__init__("falaj:workloads:MeetingPlace", label, None, opts)
        here = ResourceOptions(parent=self)
        selected: Any = {"match_labels": dict(labels)}
        metadata: Any = {"name": name, "namespace": naming.of_team(naming.TRAINING, team), "labels": dict(labels)}
        ports: Any = [{"name": "rendezvous", "port": RENDEZVOUS, "target_port": "rendezvous", "protocol": "TCP"}]
        if not named:
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
