"""Nodes as the pools of an environment would bring them, for kwok to play, and what becomes of pods there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.components.node_pools import GPU_TAINT, KIND
from tests.stacks.world import Recorded, World

ZONE = "topology.kubernetes.io/zone"
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
_GIB = {"c": 2, "m": 4, "r": 8, "g": 4}
"""Memory per processor by the letter of an instance family, in GiB."""
_CPUS = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32}
_PODS = {"large": 29, "xlarge": 58, "2xlarge": 58, "4xlarge": 234, "8xlarge": 234}
_SYSTEM_SHARE = 0.05
"""What firmware and kernel keep of a machine's memory before Kubernetes sees any."""
_EVICTION_MIB = 100


def nodes_of(cluster: World, zones: list[str]) -> Iterator[dict[str, Any]]:
    """Nodes of every pool at its least size, and one a zone at least, as if the autoscaler had been asked."""
    for pool in cluster.of("NodeGroup").values():
        for number in range(max(int(pool.inputs["scalingConfig"]["minSize"]), len(zones))):
            yield _node(pool, f"{pool.name}-{number}", zones[number % len(zones)])


def _node(pool: Recorded, name: str, zone: str) -> dict[str, Any]:
    amounts = allocatable(pool)
    taints = [{**taint, "effect": _EFFECTS[taint["effect"]]} for taint in pool.inputs["taints"]]
    labels = {**pool.inputs["labels"], ZONE: zone, "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": taints} if taints else {},
        "status": {"allocatable": amounts, "capacity": amounts},
    }


def allocatable(pool: Recorded) -> dict[str, str]:
    """What pods may use of the smallest node that the pool can bring."""
    sizes = [_size(each) for each in pool.inputs["instanceTypes"]]
    amounts = {
        "cpu": f"{min(cpu for cpu, _, _ in sizes)}m",
        "memory": f"{min(memory for _, memory, _ in sizes)}Mi",
        "pods": str(min(pods for _, _, pods in sizes)),
    }
    return {**amounts, GPU_TAINT: "1"} if pool.inputs["labels"][KIND] == "gpu" else amounts


def _size(instance_type: str) -> tuple[int, int, int]:
    """Thousandths of a CPU, MiB and pods: an instance less what EKS reserves by its published formula (6, 1, 0.5, 0.25 % of CPUs; 255 MiB + 11 MiB a pod)."""
    family, size = instance_type.split(".")
    cpus, pods = _CPUS[size], _PODS[size]
    reserved = 60 + 10 * min(cpus - 1, 1) + 5 * min(cpus - 2, 2) + 2.5 * max(cpus - 4, 0)
    memory = cpus * _GIB[family[0]] * 1024 * (1 - _SYSTEM_SHARE) - (255 + 11 * pods) - _EVICTION_MIB
    return int(cpus * 1000 - reserved), int(memory), pods


STAGES = """\
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
      - {key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: NotIn, values: ["True"]}
  next:
    statusTemplate: |
      conditions:
      - {type: Ready, status: "True", reason: KubeletReady, message: ready, lastHeartbeatTime: {{ Now | Quote }}, lastTransitionTime: {{ Now | Quote }}}
      addresses:
      - {type: InternalIP, address: {{ NodeIP | Quote }}}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
      - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
      - {key: .status.podIP, operator: DoesNotExist}
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      - {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
      - {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
      - {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        ready: true
        restartCount: 0
        started: true
        state: {running: {startedAt: {{ $now | Quote }}}}
      {{ end }}
      hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
      podIP: {{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace | Quote }}
      phase: Running
      startTime: {{ $now | Quote }}
---
# Told to end, a pod ends, as by SIGTERM; then whoever waits for that lets it go.
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-told-to-end}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
      - {key: .metadata.deletionTimestamp, operator: Exists}
      - {key: .status.phase, operator: In, values: [Running]}
  next:
    statusTemplate: |
      {{ $now := Now }}
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        ready: false
        restartCount: 0
        started: false
        state: {terminated: {exitCode: 143, reason: Error, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}
      {{ end }}
      phase: Failed
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-gone}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
      - {key: .metadata.deletionTimestamp, operator: Exists}
      - {key: .metadata.finalizers, operator: DoesNotExist}
      - {key: .status.phase, operator: NotIn, values: [Running]}
  next: {delete: true}
"""
"""kwok's rules: what becomes of a node and of a pod, and when."""
