"""A provider for planning packages that nothing here can apply: it checks nothing, compares inputs, and knows no output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental import provider as rpc
from pulumi.provider.experimental.property_value import Computed, PropertyValue

from infra.engine.embedded.values import UNKNOWN_TEXT


class PlanningProvider(rpc.Provider):
    """Inputs pass as they are; a change of inputs is an update; outputs other than the inputs are unknown, and so is every invoke."""

    offline = True

    async def check_config(self, request: rpc.CheckRequest) -> rpc.CheckResponse:
        return rpc.CheckResponse(inputs=request.new_inputs)

    async def diff_config(self, request: rpc.DiffRequest) -> rpc.DiffResponse:
        return rpc.DiffResponse(changes=False)

    async def diff(self, request: rpc.DiffRequest) -> rpc.DiffResponse:
        """Compares with the old outputs, which hold the old inputs; what was never sent is not compared."""
        old, new = request.old_state, request.new_inputs
        changed = sorted(key for key in new if not _same(old.get(key), new[key]))
        return rpc.DiffResponse(changes=bool(changed), diffs=changed)

    async def create(self, request: rpc.CreateRequest) -> rpc.CreateResponse:
        """Outputs that are not inputs are left out: the SDK takes a missing output of a preview as unknown."""
        return rpc.CreateResponse("", dict(request.properties))

    async def update(self, request: rpc.UpdateRequest) -> rpc.UpdateResponse:
        return rpc.UpdateResponse(dict(request.news))

    async def read(self, request: rpc.ReadRequest) -> rpc.ReadResponse:
        return rpc.ReadResponse(request.resource_id, request.properties, request.inputs)

    async def invoke(self, request: rpc.InvokeRequest) -> rpc.InvokeResponse:
        """Empty: the engine tells the program that the whole result is unknown."""
        return rpc.InvokeResponse({})


def _same(old: PropertyValue | None, new: PropertyValue) -> bool:
    return old is not None and not _unknown(new.value) and _bare(old) == _bare(new)


def _bare(value: PropertyValue) -> Any:
    inner: Any = value.value
    if isinstance(inner, Mapping):
        return {key: _bare(item) for key, item in inner.items()}
    if isinstance(inner, list | tuple):
        return [_bare(item) for item in inner]
    return inner


def _unknown(inner: Any) -> bool:
    if isinstance(inner, Mapping):
        return any(_unknown(item.value) for item in inner.values())
    if isinstance(inner, list | tuple):
        return any(_unknown(item.value) for item in inner)
    return isinstance(inner, Computed) or inner == UNKNOWN_TEXT
