"""NetworkPolicies of our own namespaces, held on a real node: what they close is silent, and what they open is let through."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from infra.components.namespaces import OWN_EGRESS
from infra.sandbox.kubernetes.service import kubernetes_daemon
from infra.sandbox.node.settings import settings_of
from tests.cluster.own_objects import own_objects, own_worlds
from tests.node.live import MISSING, PLACE, Live, is_possible

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("node"), pytest.mark.skipif(not is_possible(), reason=MISSING)]
OURS = ("training", "inference")
SERVES = {"falaj/serves": "true"}
ENDPOINT = "10.10.0.1"
"""An address in the network of `local`, where the endpoints of its cloud would be. This machine has it meanwhile, and refuses connections there."""


def pod(node: Live, namespace: str, name: str, *args: str, labels: dict[str, str] | None = None) -> str:
    """Start a pod of the small program that is told `args`. Returns its path."""
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [node.container(*args)]}
    node.make({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels or {}}, "spec": spec})
    return f"/api/v1/namespaces/{namespace}/pods/{name}"


def reach(node: Live, namespace: str, *addresses: str, labels: dict[str, str] | None = None) -> dict[str, str]:
    """What a pod of `namespace` finds at each address from its first moment on: it `answers`, `refuses` a connection, or `is silent`."""
    path = pod(node, namespace, "asker", "reach", *addresses, labels=labels)
    node.until(lambda: node.get(path)["status"]["phase"], lambda phase: phase == "Succeeded")
    text = node.send("GET", f"{path}/log")[1]
    node.send("DELETE", path)
    node.until(lambda: node.send("GET", path)[0], lambda code: code == 404)
    return {address: said for address, _, said in (line.partition(" ") for line in str(text).splitlines())}


@pytest.fixture(scope="module")
def servers(node: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The rooms of `local` with all their policies; in one of them two servers, of which one `serves` and the other is a `neighbour`: their addresses."""
    found = own_objects(own_worlds(tmp_path_factory.mktemp("worlds"), "local"))
    link = settings_of(kubernetes_daemon().folder).name
    try:
        for each in found:
            if each["kind"] in ("Namespace", "NetworkPolicy"):
                assert node.apply(each)[0] == 201
        for namespace in OURS:
            node.until(lambda namespace=namespace: node.send("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/default")[0], lambda code: code == 200)
        subprocess.run(["ip", "address", "add", f"{ENDPOINT}/32", "dev", link], check=True)
        paths = {name: pod(node, "inference", name, "serve", labels=labels) for name, labels in (("serves", SERVES), ("neighbour", {}))}
        yield {name: node.until(lambda path=path: node.get(path)["status"].get("podIP", "")) for name, path in paths.items()}
    finally:
        subprocess.run(["ip", "address", "del", f"{ENDPOINT}/32", "dev", link], check=False)
        for namespace in OURS:
            node.send("DELETE", f"/api/v1/namespaces/{namespace}")
        node.until(lambda: {node.send("GET", f"/api/v1/namespaces/{namespace}")[0] for namespace in OURS}, lambda codes: codes == {404})


def test_others_reach_the_serving_port_and_nothing_else(node: Live, servers: dict[str, str]) -> None:
    serving, closed, neighbour = f"{servers['serves']}:8080", f"{servers['serves']}:8081", f"{servers['neighbour']}:8080"
    assert reach(node, PLACE, serving, closed, neighbour) == {serving: "answers", closed: "is silent", neighbour: "is silent"}


def test_training_gets_out_to_endpoints_by_tls_and_to_names_and_nowhere_else(node: Live, servers: dict[str, str]) -> None:
    serving, endpoint, plain, named = f"{servers['serves']}:8080", f"{ENDPOINT}:443", f"{ENDPOINT}:80", "kube-dns.kube-system:53"
    wanted = {serving: "is silent", endpoint: "refuses", plain: "is silent", named: "answers"}
    assert reach(node, "training", *wanted) == wanted


def test_who_brings_a_policy_of_its_own_does_not_get_the_rooms_way_out(node: Live, servers: dict[str, str]) -> None:
    assert reach(node, "training", f"{ENDPOINT}:443", labels=OWN_EGRESS) == {f"{ENDPOINT}:443": "is silent"}


def test_where_there_is_no_policy_nothing_is_closed(node: Live, servers: dict[str, str]) -> None:
    assert reach(node, PLACE, f"{ENDPOINT}:443", f"{ENDPOINT}:80") == {f"{ENDPOINT}:443": "refuses", f"{ENDPOINT}:80": "refuses"}
