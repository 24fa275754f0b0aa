"""Kinds that are somebody else's as a real API server serves them: CustomResourceDefinitions made from the fields that our own table knows."""

from __future__ import annotations

from typing import Any

from infra.sandbox.kubernetes.kinds import BY_KIND, Kind
from infra.sandbox.kubernetes.validation_custom import FORMS
from tests.cluster.api_server import ApiServer

_OPEN = {"x-kubernetes-preserve-unknown-fields": True}
_JOBS = "/openapi/v3/apis/batch/v1"


def define(server: ApiServer, *kinds: str) -> None:
    """Let the server serve these kinds of our table, all where none is named."""
    template = _whole("io.k8s.api.batch.v1.JobTemplateSpec", server.get(_JOBS)["components"]["schemas"])
    server.define(*(_definition(BY_KIND[kind], template) for kind in kinds or FORMS))


def _definition(kind: Kind, template: dict[str, Any]) -> dict[str, Any]:
    schema = _schema(FORMS[kind.kind])
    if kind.kind == "JobSet":
        # As JobSet's own definition has it: the server knows what a Job looks like.
        schema["properties"]["spec"]["properties"]["replicatedJobs"]["items"]["properties"]["template"] = template
    return definition(kind.api_version, kind.kind, kind.plural, schema, namespaced=kind.namespaced)


def definition(api_version: str, kind: str, plural: str, schema: dict[str, Any] | None = None, *, namespaced: bool = False) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind; where no schema is given it takes whatever an object has."""
    group, _, version = api_version.rpartition("/")
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced" if namespaced else "Cluster",
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema or {"type": "object", **_OPEN}}}],
        },
    }


def _schema(form: Any) -> dict[str, Any]:
    if form is None:
        return dict(_OPEN)
    if isinstance(form, tuple):
        return {"type": "string", "enum": list(form)}
    if isinstance(form, list):
        return {"type": "array", "items": _schema(form[0])}
    needed = [name.rstrip("!") for name in form if name.endswith("!")]
    fields = {name.rstrip("!"): _schema(below) for name, below in form.items()}
    return {"type": "object", "properties": fields, **({"required": needed} if needed else {})}


def _whole(name: str, known: dict[str, Any]) -> dict[str, Any]:
    """A schema of the server's own without references, as a definition must have it."""

    def whole(schema: dict[str, Any]) -> dict[str, Any]:
        if "allOf" in schema:
            return whole(schema["allOf"][0])
        if "$ref" in schema:
            return whole(known[schema["$ref"].rpartition("/")[2]])
        if "oneOf" in schema:
            return {"x-kubernetes-int-or-string": True}
        made = {key: schema[key] for key in ("type", "required") if key in schema}
        if "items" in schema:
            made["items"] = whole(schema["items"])
        if "properties" in schema:
            made["properties"] = {field: whole(below) for field, below in schema["properties"].items()}
        elif isinstance(schema.get("additionalProperties"), dict):
            made["additionalProperties"] = whole(schema["additionalProperties"])
        elif schema.get("type") == "object":
            made |= _OPEN
        return made

    return whole(known[name])
