"""The Pulumi provider against a real process cluster."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from pulumi.provider.experimental import provider as rpc
from pulumi.provider.experimental.property_value import PropertyValue

from falaj.errors import Fault, UsageError
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.kinds import BY_TOKEN, Object
from infra.sandbox.kubernetes.properties import wrap_map
from infra.sandbox.kubernetes.provider import KubernetesProvider
from infra.sandbox.properties import UNKNOWN_TEXT, plain_map, wrap
from tests.sandbox.kubernetes.conftest import job
from tests.sandbox.kubernetes.test_deployments import web

T = TypeVar("T")
META: Object = {"name": "it", "namespace": "default"}
POD = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "falaj-train", "args": ["x"]}]}}
JOB = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "falaj-test", "args": ["-c", ""]}]}}}
RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "it"}
ASKED = {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "it"}
NODES = {"spec": {"nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "it"}, "requirements": [{"key": "a", "operator": "Exists"}]}}
PLACED = {"subnetSelectorTerms": [{"id": "subnet-1"}], "securityGroupSelectorTerms": [{"id": "sg-1"}]}
MACHINES = {"amiSelectorTerms": [{"id": "ami-1"}], **PLACED}

# Token -> an object, and a change that can be made in place (None: nothing of it can).
OBJECTS: dict[str, tuple[Object, Object | None]] = {
    "core/v1:Namespace": ({}, {"metadata": {"name": "it", "labels": {"a": "b"}}}),
    "core/v1:ResourceQuota": ({"spec": {"hard": {"pods": "4"}}}, {"spec": {"hard": {"pods": "5"}}}),
    "core/v1:LimitRange": ({"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}}, {"spec": {"limits": [{"type": "Pod"}]}}),
    "core/v1:ServiceAccount": ({"automountServiceAccountToken": False}, {"automountServiceAccountToken": True}),
    "core/v1:ConfigMap": ({"data": {"a": "1"}}, {"data": {"a": "2", "b": "3"}}),
    "core/v1:Secret": ({"stringData": {"a": "1"}}, {"stringData": {"a": "2"}}),
    "core/v1:Service": ({"spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}}, {"spec": {"selector": {"a": "c"}, "ports": [{"port": 81}]}}),
    "core/v1:PersistentVolumeClaim": (
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}},
    ),
    "core/v1:PersistentVolume": (
        {"spec": {"accessModes": ["ReadWriteMany"], "capacity": {"storage": "1Gi"}, "csi": {"driver": "efs.csi.aws.com", "volumeHandle": "fs-1"}}},
        {"spec": {"accessModes": ["ReadWriteMany"], "capacity": {"storage": "2Gi"}, "csi": {"driver": "efs.csi.aws.com", "volumeHandle": "fs-1"}}},
    ),
    "storage.k8s.io/v1:StorageClass": (
        {"provisioner": "ebs.csi.aws.com", "reclaimPolicy": "Delete"},
        {"provisioner": "ebs.csi.aws.com", "reclaimPolicy": "Delete", "allowVolumeExpansion": True},
    ),
    "snapshot.storage.k8s.io/v1:VolumeSnapshotClass": (
        {"driver": "ebs.csi.aws.com", "deletionPolicy": "Retain"},
        {"driver": "ebs.csi.aws.com", "deletionPolicy": "Delete"},
    ),
    "scheduling.k8s.io/v1:PriorityClass": ({"value": 10}, {"value": 10, "description": "batch"}),
    "networking.k8s.io/v1:NetworkPolicy": ({"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}, {"spec": {"podSelector": {}, "policyTypes": ["Egress"]}}),
    "batch/v1:Job": ({"spec": {**JOB, "suspend": True}}, {"spec": {**JOB, "suspend": True, "parallelism": 2}}),
    "batch/v1:CronJob": (
        {"spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": JOB}}},
        {"spec": {"schedule": "0 0 2 1 *", "suspend": True, "jobTemplate": {"spec": JOB}}},
    ),
    "apps/v1:Deployment": (
        {"spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": POD}},
        {"spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": POD, "minReadySeconds": 1}},
    ),
    "autoscaling/v2:HorizontalPodAutoscaler": ({"spec": {"scaleTargetRef": TARGET, "maxReplicas": 2}}, {"spec": {"scaleTargetRef": TARGET, "maxReplicas": 3}}),
    "policy/v1:PodDisruptionBudget": (
        {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
        {"spec": {"minAvailable": 2, "selector": {"matchLabels": {"a": "b"}}}},
    ),
    "rbac.authorization.k8s.io/v1:Role": ({"rules": RULES}, {"rules": []}),
    "rbac.authorization.k8s.io/v1:RoleBinding": ({"roleRef": ROLE, "subjects": []}, {"roleRef": ROLE, "subjects": [{"kind": "ServiceAccount", "name": "x"}]}),
    "rbac.authorization.k8s.io/v1:ClusterRole": ({"rules": RULES}, {"rules": []}),
    "rbac.authorization.k8s.io/v1:ClusterRoleBinding": (
        {"roleRef": {**ROLE, "kind": "ClusterRole"}, "subjects": []},
        {"roleRef": {**ROLE, "kind": "ClusterRole"}, "subjects": [{"kind": "Group", "name": "x"}]},
    ),
    "admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy": (
        {"spec": {"matchConstraints": ASKED, "validations": [{"expression": "true"}]}},
        {"spec": {"matchConstraints": ASKED, "validations": [{"expression": "false", "message": "no"}]}},
    ),
    "admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding": (
        {"spec": {"policyName": "it", "validationActions": ["Warn"]}},
        {"spec": {"policyName": "it", "validationActions": ["Deny"]}},
    ),
    "karpenter.sh/v1:NodePool": ({"spec": {"template": NODES}}, {"spec": {"template": NODES, "weight": 2}}),
    "karpenter.k8s.aws/v1:EC2NodeClass": ({"spec": MACHINES}, {"spec": {**MACHINES, "metadataOptions": {"httpTokens": "required"}}}),
    "eks.amazonaws.com/v1:NodeClass": ({"spec": {**PLACED, "role": "node"}}, {"spec": {**PLACED, "role": "other"}}),
    "jobset.x-k8s.io/v1alpha2:JobSet": (
        {"spec": {"suspend": True, "replicatedJobs": [{"name": "a", "template": {"spec": JOB}}]}},
        {"spec": {"suspend": False, "replicatedJobs": [{"name": "a", "template": {"spec": JOB}}]}},
    ),
    "cert-manager.io/v1:ClusterIssuer": ({"spec": {"selfSigned": {}}}, {"spec": {"ca": {"secretName": "authority"}}}),
    "cert-manager.io/v1:Certificate": (
        {"spec": {"secretName": "a", "dnsNames": ["a.local"], "issuerRef": {"name": "ours", "kind": "ClusterIssuer"}}},
        {"spec": {"secretName": "a", "dnsNames": ["b.local"], "issuerRef": {"name": "ours", "kind": "ClusterIssuer"}}},
    ),
    "external-secrets.io/v1:ClusterSecretStore": (
        {"spec": {"provider": {"aws": {"service": "SecretsManager", "region": "me-central-1"}}}},
        {"spec": {"provider": {"aws": {"service": "SecretsManager", "region": "me-south-1"}}}},
    ),
    "external-secrets.io/v1:SecretStore": (
        {"spec": {"provider": {"aws": {"service": "SecretsManager", "region": "me-central-1", "role": "a"}}}},
        {"spec": {"provider": {"aws": {"service": "SecretsManager", "region": "me-central-1", "role": "b"}}}},
    ),
    "external-secrets.io/v1:ExternalSecret": (
        {"spec": {"secretStoreRef": {"name": "ours", "kind": "ClusterSecretStore"}, "target": {"name": "a"}, "data": []}},
        {"spec": {"secretStoreRef": {"name": "ours", "kind": "ClusterSecretStore"}, "target": {"name": "b"}, "data": []}},
    ),
    "kueue.x-k8s.io/v1beta2:ResourceFlavor": ({"spec": {"nodeLabels": {"a": "b"}}}, {"spec": {"nodeLabels": {"a": "c"}}}),
    "kueue.x-k8s.io/v1beta2:ClusterQueue": ({"spec": {"cohortName": "all"}}, {"spec": {"cohortName": "some"}}),
    "kueue.x-k8s.io/v1beta2:LocalQueue": ({"spec": {"clusterQueue": "it"}}, {"spec": {"clusterQueue": "it", "stopPolicy": "Hold"}}),
    "kueue.x-k8s.io/v1beta2:WorkloadPriorityClass": ({"value": 10}, {"value": 10, "description": "batch"}),
}


def wait(call: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(call)


class Stack:
    """One resource as an engine drives it."""

    def __init__(self, provider: KubernetesProvider, token: str, name: str = "it") -> None:
        self.provider, self.token = provider, f"kubernetes:{token}"
        self.urn = f"urn:pulumi:local::test::{self.token}::{name}"
        self.id = ""
        self.inputs: dict[str, PropertyValue] = {}
        self.state: dict[str, PropertyValue] = {}

    def check(self, thing: Object) -> dict[str, PropertyValue]:
        answer = wait(self.provider.check(rpc.CheckRequest(self.urn, self.inputs, wrap_map(thing), b"")))
        assert not answer.failures, [(one.property, one.reason) for one in answer.failures]
        return answer.inputs or {}

    def diff(self, thing: Object) -> rpc.DiffResponse:
        return wait(self.provider.diff(rpc.DiffRequest(self.urn, self.id, self.state, self.check(thing), [])))

    def create(self, thing: Object) -> None:
        self.inputs = self.check(thing)
        answer = wait(self.provider.create(rpc.CreateRequest(self.urn, self.inputs, 20, False)))
        self.id, self.state = answer.resource_id or "", answer.properties

    def update(self, thing: Object) -> None:
        news = self.check(thing)
        self.state = wait(self.provider.update(rpc.UpdateRequest(self.urn, self.id, self.state, news, 20, [], False))).properties
        self.inputs = news

    def read(self) -> rpc.ReadResponse:
        return wait(self.provider.read(rpc.ReadRequest(self.urn, self.id, self.state, self.inputs)))

    def delete(self) -> None:
        wait(self.provider.delete(rpc.DeleteRequest(self.urn, self.id, self.state, 20)))


def named(token: str, thing: Object) -> Object:
    return {"metadata": dict(META) if BY_TOKEN[f"kubernetes:{token}"].namespaced else {"name": "it"}, **thing}


@pytest.fixture
def provider(client: Client) -> KubernetesProvider:
    return KubernetesProvider(client=client)


def test_every_kind_is_made_seen_unchanged_changed_and_removed(provider: KubernetesProvider) -> None:
    for token, (thing, change) in OBJECTS.items():
        it = Stack(provider, token)
        it.create(named(token, thing))
        again = it.read()
        assert again.resource_id == it.id
        assert (plain_map(again.properties), plain_map(again.inputs)) == (plain_map(it.state), plain_map(it.inputs)), token
        same = it.diff(named(token, thing))
        assert (same.changes, same.replaces) == (False, []), token
        if change is not None:
            wanted = named(token, change)
            found = it.diff(wanted)
            assert (found.changes, found.replaces) == (True, []), token
            it.update(wanted)
            assert it.diff(wanted).changes is False and plain_map(it.read().properties) == plain_map(it.state), token
        it.delete()
        assert it.read().resource_id == "", token
        it.delete()


def test_the_table_above_holds_every_kind_that_programs_use() -> None:
    others = {"core/v1:Pod", "apps/v1:ReplicaSet"}
    assert {f"kubernetes:{token}" for token in {*OBJECTS, *others}} == set(BY_TOKEN)


def test_a_change_by_hand_is_drift_and_the_next_update_takes_it_back(provider: KubernetesProvider, client: Client) -> None:
    it, thing = Stack(provider, "core/v1:ConfigMap"), {"metadata": META, "data": {"a": "1"}}
    it.create(thing)
    client.patch("ConfigMap", "default", "it", {"data": {"a": "9", "theirs": "x"}, "metadata": {"labels": {"theirs": "y"}}})
    seen = it.read()
    it.state = seen.properties
    assert plain_map(seen.inputs)["data"] == {"a": "9"}
    found = it.diff(thing)
    assert (found.changes, list(found.detailed_diff)) == (True, ["data.a"])
    it.update(thing)
    live = client.get("ConfigMap", "default", "it")
    assert (live["data"], live["metadata"]["labels"]) == ({"a": "1", "theirs": "x"}, {"theirs": "y"})


def test_what_is_taken_out_of_the_program_goes_from_the_live_object(provider: KubernetesProvider, client: Client) -> None:
    it = Stack(provider, "core/v1:ConfigMap")
    it.create({"metadata": {**META, "labels": {"old": "1"}}, "data": {"a": "1", "b": "2"}})
    it.update({"metadata": META, "data": {"a": "1"}})
    live = client.get("ConfigMap", "default", "it")
    assert live["data"] == {"a": "1"} and not live["metadata"].get("labels")


@pytest.mark.parametrize(
    ("token", "field", "old", "new"),
    [
        ("batch/v1:Job", "spec", {**JOB, "suspend": True}, {"suspend": True, "template": {"spec": {**JOB["template"]["spec"], "restartPolicy": "OnFailure"}}}),
        ("core/v1:Service", "spec", {"clusterIP": "None", "ports": [{"port": 1}]}, {"clusterIP": "10.0.0.1", "ports": [{"port": 1}]}),
        ("core/v1:ConfigMap", "metadata", META, {**META, "name": "other"}),
    ],
)
def test_a_field_that_cannot_change_is_replaced(provider: KubernetesProvider, token: str, field: str, old: Object, new: Object) -> None:
    it = Stack(provider, token)
    it.create({"metadata": META, field: old})
    found = it.diff({"metadata": META, field: new})
    assert found.changes and found.replaces and found.delete_before_replace == (field != "metadata")


def test_a_name_is_made_up_once_and_kept(provider: KubernetesProvider) -> None:
    it = Stack(provider, "core/v1:ConfigMap", name="Settings")
    it.create({"data": {"a": "1"}})
    assert it.id.startswith("default/settings-") and len(it.id.rpartition("-")[2]) == 7
    assert it.diff({"data": {"a": "1"}}).changes is False


def test_a_secret_stays_secret_in_inputs_and_state(provider: KubernetesProvider) -> None:
    it = Stack(provider, "core/v1:Secret")
    it.create({"metadata": META, "stringData": {"a": "1"}})
    assert it.state["stringData"].is_secret and it.read().inputs["stringData"].is_secret
    other = Stack(provider, "core/v1:ConfigMap", name="mixed")
    marked = {"metadata": wrap(META), "data": PropertyValue({"open": wrap("1"), "hidden": wrap("2").with_secret(True)})}
    checked = wait(provider.check(rpc.CheckRequest(other.urn, {}, marked, b""))).inputs or {}
    data: Any = wait(provider.create(rpc.CreateRequest(other.urn, checked, 5, False))).properties["data"].value
    assert {key: value.is_secret for key, value in data.items()} == {"open": False, "hidden": True}


def test_wrong_fields_are_named_by_check(provider: KubernetesProvider) -> None:
    broken = {"metadata": META, "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "x", "resources": {"limits": {"cpu": "many"}}}]}}}}
    answer = wait(provider.check(rpc.CheckRequest("urn:pulumi:local::t::kubernetes:batch/v1:Job::x", {}, wrap_map(broken), b"")))
    assert [one.property for one in answer.failures or []] == ["spec.template.spec.restartPolicy", "spec.template.spec.containers[0].resources.limits[cpu]"]


@pytest.mark.parametrize("offline", [True, False])
def test_a_preview_needs_no_cluster_and_is_the_same_offline(offline: bool, falaj_home: object) -> None:
    it = Stack(KubernetesProvider(offline=offline), "core/v1:ConfigMap")
    inputs = it.check({"metadata": META, "data": {"bucket": UNKNOWN_TEXT}})
    made = wait(it.provider.create(rpc.CreateRequest(it.urn, inputs, 0, True)))
    assert (made.resource_id, {key: value.value for key, value in made.properties["metadata"].value.items()}) == (  # ty: ignore
        "",
        {"name": "it", "namespace": "default", "uid": UNKNOWN_TEXT, "creationTimestamp": UNKNOWN_TEXT},
    )
    assert made.properties["data"].value["bucket"].value == UNKNOWN_TEXT  # ty: ignore


def test_an_offline_provider_refuses_to_apply_and_an_online_one_names_the_kinds_it_has(falaj_home: object) -> None:
    with pytest.raises(UsageError, match="only plans"):
        wait(KubernetesProvider(offline=True).create(rpc.CreateRequest("urn:pulumi:x::t::kubernetes:core/v1:ConfigMap::x", {}, 0, False)))
    request = rpc.CheckRequest("urn:pulumi:x::t::kubernetes:apps/v1:DaemonSet::x", {}, {}, b"")
    assert wait(KubernetesProvider(offline=True).check(request)).failures is None
    with pytest.raises(UsageError, match="DaemonSet"):
        wait(KubernetesProvider().check(request))


def test_a_deployment_is_waited_for_and_one_that_fails_says_why_and_is_mended_by_the_next_run(provider: KubernetesProvider, client: Client) -> None:
    it = Stack(provider, "apps/v1:Deployment")
    broken = web(replicas=1, code="print('no such file'); raise SystemExit(2)", progressDeadlineSeconds=3)
    with pytest.raises(Fault) as problem:
        it.create(broken)
    assert "no such file" in str(problem.value.why)
    it.create(web(replicas=1))
    assert client.get("Deployment", "default", "web")["status"]["availableReplicas"] == 1
    skipped = web(replicas=1, code="raise SystemExit(2)")
    skipped["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}
    it.update(skipped)
    it.delete()
    assert client.list("Pod", "default") == []


def test_a_job_that_a_program_makes_is_waited_for(provider: KubernetesProvider) -> None:
    it = Stack(provider, "batch/v1:Job")
    it.create(job("once", "print('ran')"))
    failing = Stack(provider, "batch/v1:Job", name="failing")
    with pytest.raises(Fault, match="BackoffLimitExceeded"):
        failing.create(job("twice", "raise SystemExit(1)", backoffLimit=0))


def test_an_interrupted_creation_is_found_again_and_a_foreign_object_is_not_taken(provider: KubernetesProvider, client: Client) -> None:
    it = Stack(provider, "core/v1:ConfigMap")
    it.create({"metadata": META, "data": {"a": "1"}})
    found = wait(provider.adopt(it.urn, it.token, it.inputs))
    assert found is not None and (found.resource_id, plain_map(found.properties)) == ("default/it", plain_map(it.state))
    other = Stack(provider, "core/v1:ConfigMap", name="other")
    assert wait(provider.adopt(other.urn, other.token, it.inputs)) is None
    with pytest.raises(Fault, match="this stack did not make it"):
        other.create({"metadata": META, "data": {"a": "2"}})
    it.create({"metadata": META, "data": {"a": "3"}})
    assert client.get("ConfigMap", "default", "it")["data"] == {"a": "3"}


def test_values_of_any_shape_travel_there_and_back() -> None:
    value = {"a": [1, 2.5, {"b": True, "c": []}], "d": {}, "e": "x"}
    assert json.dumps(plain_map(wrap_map(value))) == json.dumps(value)
