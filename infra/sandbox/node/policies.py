"""NetworkPolicies on a node: a program that knows them is asked about the first packet of each connection of a pod.

The program is `tests/tools/policies`. While it does not answer, no pod is reached and none reaches anything.
"""

from __future__ import annotations

from typing import Any

from infra.sandbox.node.commands import do
from infra.sandbox.node.settings import Settings

QUEUE = 100
"""Number of the kernel's queue where packets wait for an answer."""
USER = "falaj:policies"
_OWN_EGRESS = ("falaj/egress", "own")
"""Label of pods whose way out is said by a policy of their own, as `infra.components.namespaces` has it, which this folder may not ask."""
_RBAC = "rbac.authorization.k8s.io/v1"
Object = dict[str, Any]


def hold_pods(settings: Settings) -> None:
    """Hand the first packet of each connection from or to a pod to the queue, after a Service's address has become a pod's.

    Not asked about is what the node does itself (its kubelet probes), and this machine, which stands for it.
    """
    networks = settings.networks
    free = (("-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED"), ("-m", "owner", "--uid-owner", "0"), ("-s", networks.machine))
    rules = [(*those, "-j", "ACCEPT") for those in free] + [(end, networks.pods, "-j", "NFQUEUE", "--queue-num", str(QUEUE)) for end in ("-s", "-d")]
    for rule in rules:
        do("pods cannot be held to NetworkPolicies", "iptables", "--wait", "-t", "mangle", "-A", "POSTROUTING", *rule)


def rights() -> list[Object]:
    """What the program may read of the cluster."""
    rules = [
        {"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["list", "watch"]},
    ]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": USER}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}
    metadata = {"name": USER}
    return [
        {"apiVersion": _RBAC, "kind": "ClusterRole", "metadata": metadata, "rules": rules},
        {"apiVersion": _RBAC, "kind": "ClusterRoleBinding", "metadata": metadata, "roleRef": role, "subjects": [subject]},
    ]


def cloud_opening(namespace: str, settings: Settings, port: int) -> Object:
    """The policy that lets a namespace's pods out to the emulated cloud, which has another address than the endpoints that its stacks open."""
    key, value = _OWN_EGRESS
    spec = {
        "podSelector": {"matchExpressions": [{"key": key, "operator": "NotIn", "values": [value]}]},
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"ipBlock": {"cidr": f"{settings.networks.machine}/32"}}], "ports": [{"protocol": "TCP", "port": port}]}],
    }
    metadata = {"name": "falaj-emulated-cloud", "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
