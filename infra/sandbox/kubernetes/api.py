"""The REST API without its transport: a method, a path and a body in, a code and a body out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from infra.sandbox.kubernetes.admission import settle
from infra.sandbox.kubernetes.kinds import BY_PLURAL, NAMESPACE, POD, Kind, Object, namespace_of
from infra.sandbox.kubernetes.merge import merge_patch
from infra.sandbox.kubernetes.status import ApiError, bad_request, conflict, not_found, supported_error
from infra.sandbox.kubernetes.store import Store
from infra.sandbox.kubernetes.validation import kind_of, validate, validate_change

_PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[a-z0-9.-]+/v[0-9a-z]+))(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?/(?P<plural>[a-z0-9]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>[a-z]+))?)?/?"
)
_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_ATTEMPTS = 20


class Api:
    """Answers requests from the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any, content_type: str = "") -> tuple[int, Object]:
        """Carry out one request. Raises ApiError."""
        kind, namespace, name, sub = self.route(path)
        refused = [key for key in ("watch", "dryRun") if query.get(key) not in (None, "", "false", "0")]
        if refused:
            raise bad_request(f"{refused[0]} is not supported by the process cluster; read again instead of watching, and plan instead of trying")
        if sub not in (None, "status", "scale"):
            raise supported_error(f"{kind.plural}/{sub}")
        handlers: dict[str, Callable[[], tuple[int, Object]]] = {
            "GET": lambda: (
                (200, self._scale(kind, namespace, name) if sub == "scale" else self._store.get(kind, namespace, name))
                if name
                else (200, self._list(kind, namespace, query))
            ),
            "POST": lambda: (201, self._create(kind, namespace, body)),
            "PUT": lambda: (200, self._put(kind, namespace, name, body, sub)),
            "PATCH": lambda: self._patch(kind, namespace, name, body, content_type, sub),
            "DELETE": lambda: (200, self._delete(kind, namespace, name, query, body)),
        }
        if method not in handlers or (name is None and method in ("PUT", "PATCH")) or (name and method == "POST"):
            raise ApiError(405, "MethodNotAllowed", f"{method} is not allowed on {path}")
        return handlers[method]()

    def route(self, path: str) -> tuple[Kind, str | None, str | None, str | None]:
        """Kind, namespace, name and subresource of a path. Raises ApiError 404 that names what there is."""
        found = _PATH.fullmatch(path)
        kind = BY_PLURAL.get((found["core"] or found["group"], found["plural"])) if found else None
        if found is None or kind is None:
            raise supported_error(path)
        if kind.namespaced and found["name"] and not found["namespace"]:
            raise bad_request(f"{kind.plural} live in a namespace; the path must name it")
        return kind, found["namespace"], found["name"], found["sub"]

    def _list(self, kind: Kind, namespace: str | None, query: Mapping[str, str]) -> Object:
        items = self._store.list(kind, namespace, _selector(query.get("labelSelector")))
        for clause in filter(None, query.get("fieldSelector", "").split(",")):
            key, _, value = clause.partition("=")
            items = [thing for thing in items if str(_at(thing, key)) == value.lstrip("=")]
        meta = {"resourceVersion": str(self._store.version)}
        return {"apiVersion": kind.api_version, "kind": f"{kind.kind}List", "metadata": meta, "items": items}

    def _named(self, kind: Kind, namespace: str | None, name: str | None, body: Any) -> Object:
        """The object in a request, its place filled in from the path."""
        if kind_of(body) is not kind:
            raise bad_request(f"the object provided is a {body['kind']}, the path is that of {kind.plural}")
        meta = body.setdefault("metadata", {})
        if kind.namespaced:
            if namespace and meta.get("namespace", namespace) != namespace:
                raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
            meta["namespace"] = namespace or meta.get("namespace") or "default"
        if name and meta.setdefault("name", name) != name:
            raise bad_request(f"the name of the object ({meta['name']}) does not match the name on the URL ({name})")
        return body

    def _create(self, kind: Kind, namespace: str | None, body: Any) -> Object:
        thing = self._named(kind, namespace, None, body)
        thing.pop("status", None)
        validate(thing)
        return self._store.create(thing)

    def _put(self, kind: Kind, namespace: str | None, name: str | None, body: Any, sub: str | None) -> Object:
        if sub == "scale":
            return self._set_scale(kind, namespace, name, body)
        thing = self._named(kind, namespace, name, body)
        old = self._store.get(kind, namespace_of(thing), thing["metadata"]["name"])
        if sub == "status":
            return self._store.replace(thing, status=True)
        validate(thing)
        settle(thing)
        if kind.kind == "Service" and not thing["spec"].get("clusterIP"):
            thing["spec"]["clusterIP"] = old["spec"].get("clusterIP")
        validate_change(old, thing)
        return self._store.replace(thing)

    def _patch(self, kind: Kind, namespace: str | None, name: str | None, body: Any, content_type: str, sub: str | None) -> tuple[int, Object]:
        form = content_type.partition(";")[0].strip()
        if form not in (_MERGE, _APPLY):
            raise ApiError(415, "UnsupportedMediaType", f"patches of type {form or 'none'} are not supported; supported: {_MERGE}, {_APPLY}")
        if not isinstance(body, dict):
            raise bad_request("a patch must be an object")
        assert name is not None
        wants = (body.get("metadata") or {}).get("resourceVersion")
        for _ in range(_ATTEMPTS):
            live = self._store.find(kind, namespace, name)
            if live is None:
                if form == _APPLY:
                    return 201, self._create(kind, namespace, {**body, "metadata": {**(body.get("metadata") or {}), "name": name}})
                raise not_found(kind, name)
            if wants not in (None, live["metadata"]["resourceVersion"]):
                raise conflict(kind, name)
            fresh = merge_patch(live, body)
            fresh["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
            try:
                return 200, self._put(kind, namespace, name, fresh, sub)
            except ApiError as problem:
                if problem.reason != "Conflict" or wants is not None:
                    raise
        raise conflict(kind, name)

    def _delete(self, kind: Kind, namespace: str | None, name: str | None, query: Mapping[str, str], body: Any) -> Object:
        options: Object = {**query, **(body if isinstance(body, dict) else {})}
        grace = options.get("gracePeriodSeconds")
        if name is None:
            if kind.namespaced and namespace is None:
                raise ApiError(405, "MethodNotAllowed", f"{kind.plural} are deleted one namespace at a time")
            for thing in self._store.list(kind, namespace, _selector(query.get("labelSelector"))):
                self._delete(kind, namespace_of(thing), thing["metadata"]["name"], {}, body)
            return {"apiVersion": "v1", "kind": "Status", "status": "Success"}
        if kind is NAMESPACE and name in ("default", "kube-system"):
            raise ApiError(403, "Forbidden", f'namespaces "{name}" is forbidden: this namespace may not be deleted')
        if options.get("propagationPolicy") == "Orphan":
            raise bad_request("propagationPolicy Orphan is not supported; supported: Background, Foreground")
        uid = (options.get("preconditions") or {}).get("uid")
        gone = self._store.delete(kind, namespace, name, grace=None if grace is None else float(grace), uid=uid)
        if kind in (POD, NAMESPACE):
            return gone
        details = {"name": name, "group": kind.group, "kind": kind.plural, "uid": gone["metadata"]["uid"]}
        return {"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success", "details": details}

    def _scale(self, kind: Kind, namespace: str | None, name: str | None) -> Object:
        if kind.kind not in ("Deployment", "ReplicaSet"):
            raise supported_error(f"{kind.plural}/scale")
        thing = self._store.get(kind, namespace, name or "")
        meta = {key: thing["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion")}
        status = {"replicas": (thing.get("status") or {}).get("replicas", 0)}
        return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": meta, "spec": {"replicas": thing["spec"].get("replicas", 1)}, "status": status}

    def _set_scale(self, kind: Kind, namespace: str | None, name: str | None, body: Any) -> Object:
        replicas = _at(body, "spec.replicas")
        self._patch(kind, namespace, name, {"spec": {"replicas": replicas}}, _MERGE, None)
        return self._scale(kind, namespace, name)


def _at(thing: Any, path: str) -> Any:
    for step in path.split("."):
        thing = thing.get(step) if isinstance(thing, dict) else None
    return thing


def _selector(text: str | None) -> Object | None:
    """A labelSelector of a query: `a=b,c!=d,e,!f,g in (x,y)`."""
    if not text:
        return None
    rules = []
    for clause in re.split(r",(?![^(]*\))", text):
        found = re.fullmatch(r"\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*", clause)
        if found:
            values = [value.strip() for value in found[3].split(",")]
            rules.append({"key": found[1], "operator": "In" if found[2] == "in" else "NotIn", "values": values})
        elif "!=" in clause:
            key, _, value = clause.partition("!=")
            rules.append({"key": key.strip(), "operator": "NotIn", "values": [value.strip()]})
        elif "=" in clause:
            key, _, value = clause.partition("=")
            rules.append({"key": key.strip(), "operator": "In", "values": [value.lstrip("=").strip()]})
        else:
            rules.append({"key": clause.strip().lstrip("!"), "operator": "DoesNotExist" if clause.strip().startswith("!") else "Exists"})
    return {"matchExpressions": rules}
