"""The `kubernetes` provider of the local environment and of sites: a genuine Pulumi provider over a cluster's API.

One generic mapping serves every kind. The state keeps what the inputs name, as it is live, so that a change by hand shows as
drift and what controllers write does not. With `offline=True` it plans and never connects.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, TypeVar

from pulumi.provider.experimental import provider as rpc

from falaj.errors import Fault, UsageError
from infra.sandbox.kubernetes import managed
from infra.sandbox.kubernetes.client import ApiFailure, Client
from infra.sandbox.kubernetes.kinds import BY_TOKEN, DEPLOYMENT, JOB, Kind, Object, field_at, selects
from infra.sandbox.kubernetes.kubeconfig import Reach, reach
from infra.sandbox.kubernetes.merge import three_way
from infra.sandbox.kubernetes.properties import wrap_map
from infra.sandbox.kubernetes.status import ApiError
from infra.sandbox.kubernetes.validation import validate
from infra.sandbox.properties import UNKNOWN, Properties, Unknown, has_unknown, plain_map

T = TypeVar("T")
VERSION = version("pulumi-kubernetes")
AUTONAMED = "pulumi.com/autonamed"
SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT = "pulumi.com/timeoutSeconds"
_ATTEMPTS = 5
_GONE_SECONDS = 120.0


class KubernetesProvider(rpc.Provider):
    """Kinds are rows of `infra.sandbox.kubernetes.kinds`."""

    def __init__(self, offline: bool = False, client: Client | None = None, *, anywhere: bool = False) -> None:
        """`anywhere`: the cluster is the one of the context that the program names, and not the process cluster."""
        self.offline = offline
        self._anywhere = anywhere
        self.version = VERSION
        self._namespace = "default"
        self._context: Any = None
        self._client = client

    # Configuration

    async def get_schema(self, request: rpc.GetSchemaRequest) -> rpc.GetSchemaResponse:
        """Names the types only: programs bring the SDK of the real provider."""
        return rpc.GetSchemaResponse(json.dumps({"name": "kubernetes", "version": VERSION, "resources": {token: {} for token in BY_TOKEN}}))

    async def check_config(self, request: rpc.CheckRequest) -> rpc.CheckResponse:
        return rpc.CheckResponse(inputs=request.new_inputs)

    async def diff_config(self, request: rpc.DiffRequest) -> rpc.DiffResponse:
        old, new = plain_map(request.old_state), plain_map(request.new_inputs)
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        return rpc.DiffResponse(changes=bool(changed), diffs=changed)

    async def configure(self, request: rpc.ConfigureRequest) -> rpc.ConfigureResponse:
        """Takes `namespace`, the default one, and on a site the `context` of its cluster. Connects to nobody."""
        arguments = plain_map(request.args)
        namespace = arguments.get("namespace")
        if self._anywhere:
            self._context = arguments.get("context")
        self._namespace = namespace if isinstance(namespace, str) and namespace else "default"
        return rpc.ConfigureResponse(accept_secrets=True, supports_preview=True, accept_resources=False, accept_outputs=False)

    # Plan

    async def check(self, request: rpc.CheckRequest) -> rpc.CheckResponse:
        kind, inputs = self._kind(request.type), plain_map(request.new_inputs)
        if kind.api_version:
            inputs |= {"apiVersion": kind.api_version, "kind": kind.kind}
        meta = inputs.setdefault("metadata", {})
        if isinstance(meta, dict):
            self._place(kind, meta, plain_map(request.old_inputs), request)
        answer = rpc.CheckResponse(inputs=wrap_map(inputs, request.new_inputs))
        if not self.offline and not has_unknown(inputs):
            try:
                validate(json.loads(json.dumps(inputs)))
            except ApiError as problem:
                answer.failures = [rpc.CheckFailure(cause.field, cause.message) for cause in problem.causes] or [rpc.CheckFailure("", problem.message)]
        return answer

    async def diff(self, request: rpc.DiffRequest) -> rpc.DiffResponse:
        kind, old, new = self._kind(request.type), managed.without_identity(plain_map(request.old_state)), plain_map(request.new_inputs)
        found = managed.changes(old, new)
        fixed = ("metadata.name", "metadata.namespace", *kind.immutable)
        if new.get("immutable") is True and old.get("immutable") is True:
            fixed = (*fixed, "data", "binaryData", "stringData")
        replaces = [path for path in found if any(path == one or path.startswith((f"{one}.", f"{one}[")) or one.startswith(f"{path}.") for one in fixed)]
        kinds = rpc.PropertyDiffKind
        detail = {
            path: rpc.PropertyDiff(kinds[f"{what.upper()}_REPLACE"] if path in replaces else kinds[what.upper()], input_diff=False)
            for path, what in found.items()
        }
        named = (field_at(new, "metadata.annotations") or {}).get(AUTONAMED) != "true"
        same = field_at(old, "metadata.name") == field_at(new, "metadata.name") and field_at(old, "metadata.namespace") == field_at(new, "metadata.namespace")
        return rpc.DiffResponse(
            changes=bool(found),
            replaces=replaces,
            diffs=sorted({path.split(".")[0].split("[")[0] for path in found}),
            delete_before_replace=bool(replaces) and named and same,
            detailed_diff=detail,
        )

    # Apply

    async def create(self, request: rpc.CreateRequest) -> rpc.CreateResponse:
        kind, inputs = self._kind(request.type), plain_map(request.properties)
        if request.preview or self.offline:
            self._refuse_offline(request.preview, request.urn)
            return rpc.CreateResponse("", self._shown(_previewed(inputs), request.properties, kind=kind))
        live = await asyncio.to_thread(self._create, kind, inputs, request.urn)
        await self._ready(kind, live, request.timeout)
        return rpc.CreateResponse(_identity(live), self._shown(managed.outputs(live, inputs), request.properties, kind=kind))

    async def read(self, request: rpc.ReadRequest) -> rpc.ReadResponse:
        self._refuse_offline(False, request.urn)
        kind, inputs = self._kind(request.type), plain_map(request.inputs)
        namespace, name = _address(kind, request.resource_id)
        live = await asyncio.to_thread(self._api.find, kind, namespace, name)
        return self._answer(kind, live, inputs, request.inputs, request.properties)

    async def update(self, request: rpc.UpdateRequest) -> rpc.UpdateResponse:
        kind, old, new = self._kind(request.type), plain_map(request.olds), plain_map(request.news)
        if request.preview or self.offline:
            self._refuse_offline(request.preview, request.urn)
            return rpc.UpdateResponse(self._shown(_previewed(new, old), request.news, kind=kind))
        live = await asyncio.to_thread(self._update, kind, managed.without_identity(old), new, request.urn)
        await self._ready(kind, live, request.timeout)
        return rpc.UpdateResponse(self._shown(managed.outputs(live, new), request.news, kind=kind))

    async def delete(self, request: rpc.DeleteRequest) -> None:
        self._refuse_offline(False, request.urn)
        kind = self._kind(request.type)
        namespace, name = _address(kind, request.resource_id)
        await asyncio.to_thread(self._delete, kind, namespace, name, request.timeout or _GONE_SECONDS)

    async def adopt(self, urn: str, type: str, inputs: Properties) -> rpc.ReadResponse | None:
        """What an interrupted `create` of this resource made, as `read` would show it; None when it made nothing."""
        if self.offline:
            return None
        kind, wanted = self._kind(type), plain_map(inputs)
        live = await asyncio.to_thread(self._api.find, kind, field_at(wanted, "metadata.namespace"), field_at(wanted, "metadata.name"))
        if live is None or not _is_of(live, urn):
            return None
        return self._answer(kind, live, wanted, inputs)

    # Inside

    @property
    def _api(self) -> Client:
        if self._client is None:
            self._client = Client(way=self._way()) if self._anywhere else Client()
        return self._client

    def _way(self) -> Reach:
        if not isinstance(self._context, str) or not self._context:
            raise UsageError("the provider does not say which cluster is meant", given="a provider without context", next="name the kubeconfig's context")
        return reach(self._context)

    def _kind(self, token: str) -> Kind:
        # A URN's type names the parents' types too: `falaj:platform:Priorities$kubernetes:core/v1:Namespace`.
        token = token.rsplit("$", 1)[-1]
        row = BY_TOKEN.get(token)
        if row is None and self.offline:
            # A program of somebody else's may use any kind: it is planned by its inputs.
            return Kind(token.rpartition(":")[2], "", "", immutable=())
        if row is None:
            raise UsageError(
                f"{'a site' if self._anywhere else 'the process cluster'} does not have {token}",
                given=token,
                allowed=", ".join(sorted(BY_TOKEN)),
                why="the local environment and sites carry out the kinds that the stacks use",
                next="leave it out there",
            )
        return row

    def _place(self, kind: Kind, meta: Object, old: Object, request: rpc.CheckRequest) -> None:
        """Fill in name and namespace where the program gives none."""
        if kind.api_version and kind.namespaced and not meta.get("namespace") and not isinstance(meta.get("namespace"), Unknown):
            meta["namespace"] = self._namespace
        if "name" in meta:
            return
        held = field_at(old, "metadata.name")
        kept = held if (field_at(old, "metadata.annotations") or {}).get(AUTONAMED) == "true" else None
        # The engine's seed makes a replacement's name differ from the original's.
        seed = hashlib.sha256(request.random_seed or request.urn.encode()).hexdigest()
        stem = meta.get("generateName") or f"{request.name.lower()}-"
        meta["name"] = kept or f"{stem}{seed[:7]}"
        if not isinstance(meta.get("annotations"), Unknown):
            meta["annotations"] = {**(meta.get("annotations") or {}), AUTONAMED: "true"}

    def _create(self, kind: Kind, inputs: Object, urn: str) -> Object:
        try:
            return self._api.create(_marked(inputs, urn))
        except ApiFailure as problem:
            if problem.reason != "AlreadyExists":
                raise
            namespace, name = field_at(inputs, "metadata.namespace"), field_at(inputs, "metadata.name")
            live = self._api.find(kind, namespace, name)
            if live is None or not _is_of(live, urn):
                raise Fault(
                    f"{kind.kind} {name} already exists, and this stack did not make it",
                    given=urn,
                    why=f"its annotation {managed.URN} names another resource, or none",
                    next="delete it, or give the resource another name",
                ) from problem
        # Ours, from a run that failed after it had been made.
        if any(field_at(live, path) != field_at(inputs, path) for path in kind.immutable if field_at(inputs, path) is not None):
            self._delete(kind, namespace, name, _GONE_SECONDS)
            return self._api.create(_marked(inputs, urn))
        return self._update(kind, {}, inputs, urn)

    def _update(self, kind: Kind, old: Object, new: Object, urn: str) -> Object:
        for attempt in range(_ATTEMPTS):
            live = self._api.find(kind, field_at(new, "metadata.namespace"), field_at(new, "metadata.name"))
            if live is None:  # deleted by hand since the last refresh
                return self._api.create(_marked(new, urn))
            try:
                return self._api.replace(three_way(old, _marked(new, urn), live))
            except ApiFailure as problem:
                if problem.reason != "Conflict" or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _delete(self, kind: Kind, namespace: str | None, name: str, timeout: float) -> None:
        live = self._api.find(kind, namespace, name)
        if live is None:
            return
        try:
            self._api.delete(kind, namespace, name, wait=timeout)
        except ApiFailure as problem:
            if problem.reason != "NotFound":
                raise
        if kind is DEPLOYMENT:
            self._wait_for_pods_to_go(namespace, live["spec"]["selector"], timeout)

    def _wait_for_pods_to_go(self, namespace: str | None, selector: Object, timeout: float) -> None:
        limit = time.monotonic() + timeout
        while any(selects(selector, pod["metadata"].get("labels") or {}) for pod in self._api.list("Pod", namespace)):
            if time.monotonic() > limit:
                raise Fault(f"pods of the deleted Deployment are still there after {timeout:.0f} s", given=f"namespace {namespace}", next="falaj status")
            time.sleep(0.1)

    async def _ready(self, kind: Kind, live: Object, timeout: float) -> None:
        """Wait until it does what it is for. Raises Fault with the pods' last log lines when it does not."""
        notes = live["metadata"].get("annotations") or {}
        if notes.get(SKIP_AWAIT) == "true":
            return
        namespace, name, spec = live["metadata"].get("namespace", ""), live["metadata"]["name"], live.get("spec") or {}
        patience = float(notes.get(TIMEOUT) or timeout or 0)
        waits: dict[str, Callable[[], Any]] = {
            DEPLOYMENT.kind: lambda: self._api.wait_for_rollout(namespace, name, patience or spec.get("progressDeadlineSeconds", 600) + 30),
            JOB.kind: lambda: self._api.wait_for_job(namespace, name, patience or 600),
        }
        if kind.kind in waits and not spec.get("suspend"):
            await asyncio.to_thread(waits[kind.kind])

    def _answer(self, kind: Kind, live: Object | None, inputs: Object, *likes: Properties) -> rpc.ReadResponse:
        if live is None:
            return rpc.ReadResponse("", {}, {})
        found = managed.live_inputs(live, inputs)
        return rpc.ReadResponse(_identity(live), self._shown(managed.outputs(live, inputs), *likes, kind=kind), self._shown(found, *likes, kind=kind))

    def _shown(self, values: Object, *likes: Properties, kind: Kind) -> dict[str, Any]:
        found = wrap_map(values, *likes)
        if kind.kind == "Secret":
            found |= {key: found[key].with_secret(True) for key in ("data", "stringData") if key in found}
        return found

    def _refuse_offline(self, preview: bool, urn: str) -> None:
        if self.offline and not preview:
            raise UsageError("this provider only plans", given=urn, why="it was made offline, for an environment that the embedded engine must not touch")


def _identity(live: Object) -> str:
    namespace = live["metadata"].get("namespace")
    return f"{namespace}/{live['metadata']['name']}" if namespace else live["metadata"]["name"]


def _address(kind: Kind, identity: str) -> tuple[str | None, str]:
    namespace, _, name = identity.rpartition("/")
    return (namespace or "default") if kind.namespaced else None, name


def _marked(inputs: Object, urn: str) -> Object:
    meta = inputs.get("metadata") or {}
    return {**inputs, "metadata": {**meta, "annotations": {**(meta.get("annotations") or {}), managed.URN: urn}}}


def _is_of(live: Object, urn: str) -> bool:
    return (live["metadata"].get("annotations") or {}).get(managed.URN) == urn


def _previewed(inputs: Object, held: Object | None = None) -> Object:
    meta = inputs.get("metadata")
    if not isinstance(meta, dict):
        return inputs
    known = (held or {}).get("metadata") or {}
    return {**inputs, "metadata": {**meta, **{key: known.get(key, UNKNOWN) for key in managed.SERVER_METADATA}}}
