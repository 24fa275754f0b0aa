"""What Pod Identity is on EKS: containers are told where the cloud is and who they are, without their manifests saying so.

Here the cloud is the emulated one of this machine's loopback, which the node reaches by a relay on its link; and the processors are one machine's,
which pods share.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from infra.sandbox.node.caretaker import KEYS, KEYS_OF
from infra.sandbox.node.settings import Settings

Object = dict[str, Any]
_NAME = "falaj-pod-identity"
_HOME = "/var/run/falaj/home"
_ENDPOINT = "AWS_ENDPOINT_URL"
_TOLD = (_ENDPOINT, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED")
_ASKED = "/spec/containers/0/resources/requests/cpu"
_SHARED = f"""\
object.spec.containers.size() == 1 && has(object.spec.containers[0].resources) && has(object.spec.containers[0].resources.requests)
  && 'cpu' in object.spec.containers[0].resources.requests
  ? [JSONPatch{{op: 'replace', path: '{_ASKED}', value: '100m'}}] : []"""
"""Pods share this machine's processors: what one may use stays, what is kept for it alone goes, or a small machine would run one at a time."""


def cloud_port(environ: Mapping[str, str]) -> int | None:
    """The loopback port where the emulated cloud answers, or None where this node has none."""
    place = urlsplit(environ.get(_ENDPOINT, ""))
    return place.port if place.hostname in ("127.0.0.1", "localhost") else None


def identity(settings: Settings, environ: Mapping[str, str]) -> Iterator[Object]:
    """The policy that tells every container of our namespaces where the cloud and this machine's keys are; nothing where there is no cloud."""
    port = cloud_port(environ)
    if port is None:
        return
    told = {name: environ[name] for name in _TOLD if name in environ} | {_ENDPOINT: f"http://{settings.networks.machine}:{port}", "FALAJ_HOME": _HOME}
    rows = ", ".join(f"Object.spec.containers.env{{name: {json.dumps(name)}, value: {json.dumps(value)}}}" for name, value in told.items())
    mount = f"Object.spec.containers.volumeMounts{{name: {json.dumps(KEYS)}, mountPath: {json.dumps(f'{_HOME}/keys')}, readOnly: true}}"
    each = f"Object.spec.containers{{name: one.name, env: [{rows}], volumeMounts: [{mount}]}}"
    volume = f"Object.spec.volumes{{name: {json.dumps(KEYS)}, secret: Object.spec.volumes.secret{{secretName: {json.dumps(KEYS)}, optional: false}}}}"
    spec = f"Object.spec{{containers: object.spec.containers.map(one, {each}), volumes: [{volume}]}}"
    yield {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": _NAME},
        "spec": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
            "mutations": [
                {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": f"Object{{spec: {spec}}}"}},
                {"patchType": "JSONPatch", "jsonPatch": {"expression": _SHARED}},
            ],
        },
    }
    ours = {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": sorted(KEYS_OF)}]}
    yield {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": _NAME},
        "spec": {"policyName": _NAME, "matchResources": {"namespaceSelector": ours}},
    }
