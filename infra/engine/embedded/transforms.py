"""Transforms: functions of the program that may change a registration or an invoke before anything is done with it.

They stay in the program's process, which serves them under an address; each registration is shown to its own, then to those of its
ancestors, then to those of the stack, as Pulumi's resource monitor does it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import grpc
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

from falaj.errors import UsageError
from infra.engine.embedded.goals import Goal
from infra.engine.embedded.values import OUTPUT_SIGNATURE, SECRET_SIGNATURE, SIGNATURE, UNKNOWN_TEXT, struct_pb2

_OPTIONS = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
_NAMES = {
    "importId": "import",
    "ignoreChanges": "ignore_changes",
    "replaceOnChanges": "replace_on_changes",
    "replacement_trigger": "replacement_trigger",
    "aliases": "aliases",
    "customTimeouts": "custom_timeouts",
    "pluginDownloadURL": "plugin_download_url",
    "retainOnDelete": "retain_on_delete",
    "deletedWith": "deleted_with",
    "replace_with": "replace_with",
    "additionalSecretOutputs": "additional_secret_outputs",
    "hideDiffs": "hide_diff",
    "protect": "protect",
    "version": "version",
    "provider": "provider",
    "providers": "providers",
    "hooks": "hooks",
}
"""Option: its name in a registration -> its name for a transform."""


class Transforms:
    """The transforms of one program run."""

    def __init__(self, inherit: Callable[[Goal], None], parent_of: Callable[[str], str]) -> None:
        """`inherit` puts into a goal what its parent gives it; `parent_of` gives the URN of a registered resource's parent."""
        self._inherit, self._parent_of = inherit, parent_of
        self._own: dict[str, list[Any]] = {}
        self._stack: list[Any] = []
        self._invokes: list[Any] = []
        self._channels: dict[str, grpc.Channel] = {}
        self._mutex = threading.Lock()

    def add(self, callback: Any) -> None:
        """A transform of the stack's: for whatever is registered from now on."""
        self._stack.append(callback)

    def add_for_invokes(self, callback: Any) -> None:
        self._invokes.append(callback)

    def keep(self, urn: str, request: Any) -> None:
        """A registered resource's own transforms go for its children too."""
        if request.transforms:
            self._own[urn] = list(request.transforms)

    def wanted_for(self, request: Any) -> list[Any]:
        """The transforms that a registration is to be shown to, in order."""
        if not (request.transforms or self._stack or self._own):
            return []
        found = list(request.transforms)
        urn = request.parent
        while urn:
            found += self._own.get(urn, [])
            urn = self._parent_of(urn)
        return found + self._stack

    def registration(self, request: Any, wanted: list[Any]) -> Any:
        """The registration that `wanted` make of `request`. Raises UsageError when one of them fails."""
        options = self._options_of(request)
        edges = {key: list(found.urns) for key, found in request.propertyDependencies.items()} if request.transforms else {}
        properties = struct_pb2.Struct(fields={key: _as_output(value, edges.get(key, [])) for key, value in request.object.fields.items()})
        at = f"{request.type} '{request.name}'"
        for callback in wanted:
            asked = resource_pb2.TransformRequest(
                type=request.type, name=request.name, custom=request.custom, parent=request.parent, properties=properties, options=options
            )
            answer = resource_pb2.TransformResponse.FromString(self._call(callback, asked, at))
            options = answer.options if answer.HasField("options") else options
            properties = answer.properties if answer.HasField("properties") else properties
        return _changed(request, properties, options)

    def invoke(self, request: Any) -> Any:
        """The invoke that the stack's transforms make of `request`. Raises UsageError when one of them fails."""
        if not self._invokes:
            return request
        options = resource_pb2.TransformInvokeOptions(provider=request.provider, version=request.version, plugin_download_url=request.pluginDownloadURL)
        arguments = struct_pb2.Struct(fields={key: _as_output(value) for key, value in request.args.fields.items()})
        for callback in self._invokes:
            asked = resource_pb2.TransformInvokeRequest(token=request.tok, args=arguments, options=options)
            answer = resource_pb2.TransformInvokeResponse.FromString(self._call(callback, asked, request.tok))
            options = answer.options if answer.HasField("options") else options
            arguments = answer.args if answer.HasField("args") else arguments
        changed = resource_pb2.ResourceInvokeRequest()
        changed.CopyFrom(request)
        changed.args.CopyFrom(arguments)
        changed.provider, changed.version = options.provider, options.version
        return changed

    def close(self) -> None:
        """Hang up on the program's callbacks, before it is gone: gRPC would else print that it is."""
        with self._mutex:
            for channel in self._channels.values():
                channel.close()
            self._channels.clear()

    def _options_of(self, request: Any) -> Any:
        goal = Goal(
            request.type,
            request.name,
            request.custom,
            parent=request.parent,
            protect=request.protect if request.HasField("protect") else None,
            retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
            deleted_with=request.deletedWith,
            provider=request.provider,
            providers=dict(request.providers),
        )
        self._inherit(goal)
        options: Any = resource_pb2.TransformResourceOptions(depends_on=list(request.dependencies))
        for urn in request.aliasURNs:
            options.aliases.add(urn=urn)
        for ours, theirs in _NAMES.items():
            _copy(request, ours, options, theirs)
        if request.deleteBeforeReplaceDefined or request.deleteBeforeReplace:
            options.delete_before_replace = request.deleteBeforeReplace
        if goal.protect is not None:
            options.protect = goal.protect
        if goal.retain_on_delete is not None:
            options.retain_on_delete = goal.retain_on_delete
        options.deleted_with, options.provider = goal.deleted_with, goal.provider
        return options

    def _call(self, callback: Any, asked: Any, at: str) -> bytes:
        with self._mutex:
            channel = self._channels.get(callback.target)
            if channel is None:
                channel = self._channels[callback.target] = grpc.insecure_channel(callback.target, options=_OPTIONS)
        request = callback_pb2.CallbackInvokeRequest(token=callback.token, request=asked.SerializeToString())
        try:
            return callback_pb2_grpc.CallbacksStub(channel).Invoke(request).response
        except grpc.RpcError as problem:
            said = problem.details() if isinstance(problem, grpc.Call) else str(problem)
            why = (said or "").removeprefix(f"Invoke callback {callback.token} error: ").strip()
            raise UsageError(f"a transform of the program failed: {why}", given=at, next="correct the transform, and plan again") from problem


def _changed(request: Any, properties: Any, options: Any) -> Any:
    """`request` with what the transforms made of its properties and options."""
    changed: Any = resource_pb2.RegisterResourceRequest()
    changed.CopyFrom(request)
    changed.object.CopyFrom(properties)
    for gone in ("transforms", "aliasURNs", *_NAMES):
        changed.ClearField(gone)
    for ours, theirs in _NAMES.items():
        _copy(options, theirs, changed, ours)
    changed.deleteBeforeReplaceDefined = options.HasField("delete_before_replace")
    changed.deleteBeforeReplace = options.delete_before_replace
    if request.transforms:
        # What a property depends on is then told by the properties themselves.
        edges = {key: sorted(_dependencies(value)) for key, value in properties.fields.items()}
        changed.ClearField("dependencies")
        changed.dependencies.extend(sorted({*options.depends_on, *(urn for found in edges.values() for urn in found)}))
        changed.ClearField("propertyDependencies")
        for key, found in edges.items():
            changed.propertyDependencies[key].urns.extend(found)
    return changed


def _copy(source: Any, there: str, target: Any, here: str) -> None:
    """A field from one message into a field of another of the same kind, if it is set."""
    field = source.DESCRIPTOR.fields_by_name[there]
    value = getattr(source, there)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        getattr(target, here).update(value)
    elif field.is_repeated:
        getattr(target, here).extend(value)
    elif field.message_type is not None:
        if source.HasField(there):
            getattr(target, here).CopyFrom(value)
    elif not field.has_presence or source.HasField(there):
        setattr(target, here, value)


def _as_output(value: Any, dependencies: list[str] | None = None) -> Any:
    """A value as a transform is shown it: what is secret, unknown, or computed from other resources is an output."""
    secret = value.WhichOneof("kind") == "struct_value" and _signature(value) == SECRET_SIGNATURE
    inner = value.struct_value.fields["value"] if secret else value
    kind = inner.WhichOneof("kind")
    known = not (kind == "string_value" and UNKNOWN_TEXT in inner.string_value.lower())
    if known and kind == "list_value":
        inner = struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_as_output(item) for item in inner.list_value.values]))
    elif known and kind == "struct_value" and not _signature(inner):
        inner = struct_pb2.Value(struct_value=struct_pb2.Struct(fields={key: _as_output(item) for key, item in inner.struct_value.fields.items()}))
    if known and not secret and not dependencies:
        return inner
    fields = {SIGNATURE: struct_pb2.Value(string_value=OUTPUT_SIGNATURE)}
    if known:
        fields["value"] = inner
    if secret:
        fields["secret"] = struct_pb2.Value(bool_value=True)
    if dependencies:
        urns = [struct_pb2.Value(string_value=urn) for urn in dependencies]
        fields["dependencies"] = struct_pb2.Value(list_value=struct_pb2.ListValue(values=urns))
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))


def _dependencies(value: Any) -> set[str]:
    """URNs that any output in a value was computed from."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return {urn for item in value.list_value.values for urn in _dependencies(item)}
    if kind != "struct_value":
        return set()
    fields = value.struct_value.fields
    if _signature(value) != OUTPUT_SIGNATURE:
        return {urn for item in fields.values() for urn in _dependencies(item)}
    own = {item.string_value for item in fields["dependencies"].list_value.values} if "dependencies" in fields else set()
    return own | (_dependencies(fields["value"]) if "value" in fields else set())


def _signature(value: Any) -> str:
    """Which special value a struct stands for; empty for a plain one."""
    fields = value.struct_value.fields
    return fields[SIGNATURE].string_value if SIGNATURE in fields else ""
