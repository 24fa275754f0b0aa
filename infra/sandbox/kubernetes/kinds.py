"""The kinds the process cluster knows: one row per kind, used by the API, the store and the Pulumi provider alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
"""A Kubernetes API object as plain JSON."""


@dataclass(frozen=True)
class Kind:
    """Where a kind lives in the API, and which of its fields can never change."""

    kind: str
    api_version: str
    plural: str
    namespaced: bool = True
    immutable: tuple[str, ...] = ()
    """Dotted paths below the object that an update may not change; the provider replaces instead."""

    @property
    def group(self) -> str:
        """API group, empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def qualified(self) -> str:
        """Resource name as Kubernetes prints it: `jobs.batch`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def titled(self) -> str:
        """Kind as Kubernetes prints it in errors: `Job.batch`, `Pod`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """REST path of one object, or of the collection where `name` is None."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        middle = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{middle}/{self.plural}" + (f"/{name}" if name else "")


_RBAC, _DOOR = "rbac.authorization.k8s.io/v1", "admissionregistration.k8s.io/v1"

NAMESPACE = Kind("Namespace", "v1", "namespaces", namespaced=False)
POD = Kind("Pod", "v1", "pods", immutable=("spec",))
SERVICE = Kind("Service", "v1", "services", immutable=("spec.clusterIP",))
CONFIG_MAP = Kind("ConfigMap", "v1", "configmaps")
SECRET = Kind("Secret", "v1", "secrets", immutable=("type",))
CLAIM = Kind(
    "PersistentVolumeClaim",
    "v1",
    "persistentvolumeclaims",
    immutable=("spec.storageClassName", "spec.accessModes", "spec.volumeMode", "spec.volumeName"),
)
QUOTA = Kind("ResourceQuota", "v1", "resourcequotas")
LIMIT_RANGE = Kind("LimitRange", "v1", "limitranges")
JOB = Kind("Job", "batch/v1", "jobs", immutable=("spec.template", "spec.selector", "spec.completions", "spec.completionMode", "spec.podFailurePolicy"))
CRON_JOB = Kind("CronJob", "batch/v1", "cronjobs")
DEPLOYMENT = Kind("Deployment", "apps/v1", "deployments", immutable=("spec.selector",))
REPLICA_SET = Kind("ReplicaSet", "apps/v1", "replicasets", immutable=("spec.selector",))

KINDS: tuple[Kind, ...] = (
    NAMESPACE,
    POD,
    SERVICE,
    CONFIG_MAP,
    SECRET,
    CLAIM,
    QUOTA,
    LIMIT_RANGE,
    JOB,
    CRON_JOB,
    DEPLOYMENT,
    REPLICA_SET,
    Kind("PersistentVolume", "v1", "persistentvolumes", namespaced=False, immutable=("spec.csi", "spec.volumeMode")),
    Kind(
        "StorageClass",
        "storage.k8s.io/v1",
        "storageclasses",
        namespaced=False,
        immutable=("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    ),
    Kind("ServiceAccount", "v1", "serviceaccounts"),
    Kind("PriorityClass", "scheduling.k8s.io/v1", "priorityclasses", namespaced=False, immutable=("value", "preemptionPolicy")),
    Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
    Kind("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers"),
    Kind("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
    Kind("Role", _RBAC, "roles"),
    Kind("RoleBinding", _RBAC, "rolebindings", immutable=("roleRef",)),
    Kind("ClusterRole", _RBAC, "clusterroles", namespaced=False),
    Kind("ClusterRoleBinding", _RBAC, "clusterrolebindings", namespaced=False, immutable=("roleRef",)),
    Kind("ValidatingAdmissionPolicy", _DOOR, "validatingadmissionpolicies", namespaced=False),
    Kind("ValidatingAdmissionPolicyBinding", _DOOR, "validatingadmissionpolicybindings", namespaced=False),
)

_QUEUES, _NODES, _MACHINES, _AUTO = "kueue.x-k8s.io/v1beta2", "karpenter.sh/v1", "karpenter.k8s.aws/v1", "eks.amazonaws.com/v1"
_SECRETS, _CERTIFICATES = "external-secrets.io/v1", "cert-manager.io/v1"
_CUSTOM: tuple[Kind, ...] = (
    Kind("NodePool", _NODES, "nodepools", namespaced=False),
    Kind("EC2NodeClass", _MACHINES, "ec2nodeclasses", namespaced=False),
    Kind("NodeClass", _AUTO, "nodeclasses", namespaced=False),
    Kind("ResourceFlavor", _QUEUES, "resourceflavors", namespaced=False),
    Kind("ClusterQueue", _QUEUES, "clusterqueues", namespaced=False),
    Kind("LocalQueue", _QUEUES, "localqueues", immutable=("spec.clusterQueue",)),
    Kind(
        "JobSet",
        "jobset.x-k8s.io/v1alpha2",
        "jobsets",
        immutable=("spec.replicatedJobs", "spec.network", "spec.successPolicy", "spec.failurePolicy", "spec.startupPolicy", "spec.managedBy"),
    ),
    Kind("ClusterSecretStore", _SECRETS, "clustersecretstores", namespaced=False),
    Kind("SecretStore", _SECRETS, "secretstores"),
    Kind("ExternalSecret", _SECRETS, "externalsecrets"),
    Kind("ClusterIssuer", _CERTIFICATES, "clusterissuers", namespaced=False),
    Kind("Certificate", _CERTIFICATES, "certificates"),
    Kind("VolumeSnapshotClass", "snapshot.storage.k8s.io/v1", "volumesnapshotclasses", namespaced=False),
    Kind("WorkloadPriorityClass", _QUEUES, "workloadpriorityclasses", namespaced=False, immutable=("value",)),
)
"""Kinds that a chart, or Auto Mode, defines on a real cluster. Here they are checked and kept, and nobody acts on them: no node starts and no job waits."""
KINDS = (*KINDS, *_CUSTOM)

BY_KIND: dict[str, Kind] = {row.kind: row for row in KINDS}
BY_PLURAL: dict[tuple[str, str], Kind] = {(row.api_version, row.plural): row for row in KINDS}
BY_TOKEN: dict[str, Kind] = {f"kubernetes:{row.api_version if row.group else 'core/' + row.api_version}:{row.kind}": row for row in KINDS}
"""Pulumi type token, such as `kubernetes:batch/v1:Job`, to kind."""


def supported() -> str:
    """The kinds by name, for errors."""
    return ", ".join(sorted(f"{row.api_version}/{row.kind}" for row in KINDS))


def namespace_of(thing: Object) -> str | None:
    """Namespace of an object, None for one that has none."""
    return thing["metadata"].get("namespace")


def name_of(thing: Object) -> str:
    """Name of an object."""
    return thing["metadata"]["name"]


def field_at(thing: Any, path: str) -> Any:
    """The value at a dotted path, None where it is absent."""
    for step in path.split("."):
        if not isinstance(thing, dict):
            return None
        thing = thing.get(step)
    return thing


def owned_by(owner: Object, *, controller: bool = True) -> list[Object]:
    """An ownerReferences list that points at `owner`."""
    meta = owner["metadata"]
    return [{"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": meta["name"], "uid": meta["uid"], "controller": controller}]


def is_owned_by(thing: Object, owner: Object) -> bool:
    """True when `owner` is one of the owners of `thing`."""
    return any(reference.get("uid") == owner["metadata"]["uid"] for reference in thing["metadata"].get("ownerReferences", ()))


def selects(selector: Object | None, labels: dict[str, str]) -> bool:
    """True when a label selector (matchLabels and matchExpressions) chooses `labels`; an empty selector chooses all, None nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for rule in selector.get("matchExpressions") or []:
        present, values = rule["key"] in labels, rule.get("values") or []
        fits = {
            "In": present and labels.get(rule["key"]) in values,
            "NotIn": not present or labels.get(rule["key"]) not in values,
            "Exists": present,
            "DoesNotExist": not present,
        }
        if not fits.get(rule["operator"], False):
            return False
    return True
