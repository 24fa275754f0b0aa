"""Whether a site's cluster can take what is planned: asked before the first step, and all of it at once, since whoever mends it is somebody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from falaj.errors import UsageError
from infra.artifacts import Plan, PlannedResource
from infra.sandbox.kubernetes.client import ApiFailure, Client
from infra.sandbox.kubernetes.kinds import BY_TOKEN, Kind

_VERBS = {"create": ("get", "create"), "update": ("get", "update"), "replace": ("get", "create", "delete"), "delete": ("get", "delete")}
"""What becomes of a resource -> what somebody must be allowed to do to its kind."""
_GPU = "nvidia.com/gpu"


def require_ready(plans: Sequence[Plan], client: Client) -> None:
    """Raise UsageError naming every right, storage class, volume and node that is missing; Fault where the cluster does not answer."""
    client.ask("GET", "/version")
    changed = [resource for plan in plans for resource in plan.resources if resource.op in _VERBS and resource.type in BY_TOKEN]
    wrong = [*_rights(changed, client), *_volumes(changed, client), *_nodes(changed, client)]
    if wrong:
        raise UsageError(
            f"{client.way.what} cannot take {plans[0].environment}",
            given="; ".join(wrong),
            allowed="the rights, storage classes and nodes that the plan asks for",
            why="half of an environment would be made before the first refusal",
            next="have its administrator mend them, then run the same command again: runbooks/site_refused.md",
        )


def _rights(changed: Sequence[PlannedResource], client: Client) -> Iterator[str]:
    """`nobody may create networkpolicies.networking.k8s.io in namespace training`, one for each that is missing."""
    asked: dict[tuple[str, Kind, str], None] = {}
    for resource in changed:
        kind = BY_TOKEN[resource.type]
        namespace = _at(resource.inputs, "metadata", "namespace") if kind.namespaced else ""
        for verb in _VERBS[resource.op]:
            asked[verb, kind, namespace if isinstance(namespace, str) else ""] = None
    for verb, kind, namespace in asked:
        wanted = {"verb": verb, "group": kind.group, "resource": kind.plural, **({"namespace": namespace} if namespace else {})}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": wanted}}
        answer = client.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        if not answer["status"].get("allowed"):
            yield f"whoever asks may not {verb} {kind.qualified}" + (f" in namespace {namespace}" if namespace else "")


def _volumes(changed: Sequence[PlannedResource], client: Client) -> Iterator[str]:
    claims = [resource.inputs for resource in changed if resource.type.endswith(":PersistentVolumeClaim") and resource.op in ("create", "replace")]
    wanted: dict[tuple[str, str], None] = {}
    for claim in claims:
        for what, key in (("storage class", "storageClassName"), ("volume", "volumeName")):
            if name := _at(claim, "spec", key):
                wanted[what, str(name)] = None
    for what, name in wanted:
        place = "/apis/storage.k8s.io/v1/storageclasses" if what == "storage class" else "/api/v1/persistentvolumes"
        found = _look(client, place)
        if found is None:
            yield f"whoever asks may not look whether there is a {what} {name}"
        elif name not in (known := sorted(each["metadata"]["name"] for each in found["items"])):
            yield f"there is no {what} {name} (there is {', '.join(known) or 'none'})"


def _nodes(changed: Sequence[PlannedResource], client: Client) -> Iterator[str]:
    """Of each kind of node that pods select: one at least, and one with a GPU where pods ask for any."""
    asked: dict[tuple[tuple[str, str], ...], bool] = {}
    for pod in _pods([resource.inputs for resource in changed if resource.op != "delete"]):
        selector = tuple(sorted((_at(pod, "nodeSelector") or {}).items()))
        gpu = any(_at(container, "resources", "limits", _GPU) for container in pod["containers"])
        asked[selector] = asked.get(selector, False) or gpu
    for selector, gpu in asked.items():
        words = ",".join(f"{key}={value}" for key, value in selector)
        answer = _look(client, "/api/v1/nodes" + (f"?{urlencode({'labelSelector': words})}" if words else ""))
        found = (answer or {}).get("items", [])
        if answer is None:
            yield f"whoever asks may not look whether a node carries the label {words}"
        elif not found:
            yield f"no node carries the label {words} (kubectl label node NAME {words})"
        elif gpu and not any(int(each.get("status", {}).get("allocatable", {}).get(_GPU, "0")) for each in found):
            yield f"no node with the label {words} offers {_GPU}"


def _pods(objects: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for inputs in objects:
        for path in (("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec")):
            found = _at(inputs, *path)
            if isinstance(found, dict) and isinstance(found.get("containers"), list):
                yield found


def _look(client: Client, path: str) -> Any:
    """The list at `path`; None for whom it is not to be seen."""
    try:
        return client.ask("GET", path)
    except ApiFailure as problem:
        if problem.reason == "Forbidden":
            return None
        raise


def _at(value: Any, *path: str) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value
