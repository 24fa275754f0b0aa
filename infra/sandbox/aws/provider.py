"""The `aws` provider of the local environment: a genuine Pulumi provider over the local AWS API.

What it keeps in state is what the API answers, so a change made by hand there shows as drift. With `offline=True` it plans and never
connects; plans of an empty state are the same either way.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, TypeVar

from pulumi.provider.experimental import provider as rpc
from pulumi.provider.experimental.property_value import PropertyValue

from falaj.canonical import digest
from falaj.errors import FalajError, UsageError
from infra.sandbox.aws import state
from infra.sandbox.aws.api import Api, clients_of, explain, is_gone
from infra.sandbox.aws.compare import empty
from infra.sandbox.aws.invokes import INVOKES
from infra.sandbox.aws.row import MARK, Properties, Row, Tags
from infra.sandbox.aws.service import ACCOUNT, REGION, endpoint
from infra.sandbox.aws.types import ROWS
from infra.sandbox.aws.values import secret_keys, wrap_map
from infra.sandbox.properties import UNKNOWN, has_unknown, plain, plain_map, wrap

T = TypeVar("T")
VERSION = version("pulumi-aws")
_THREADS = ThreadPoolExecutor(16, thread_name_prefix="aws")
"""Shared: an engine may call from many event loops, and each would start threads of its own."""


def mark_of(urn: str, inputs: Properties) -> str:
    """The value of the tag by which an interrupted creation is found again: bound to the inputs too, since a replacement has its original's URN."""
    return f"{hashlib.sha256(urn.encode()).hexdigest()[:32]}/{digest(inputs).removeprefix('sha256:')[:32]}"


class AwsProvider(rpc.Provider):
    """Resource types are rows of `infra.sandbox.aws.types.ROWS`; functions those of `INVOKES`."""

    def __init__(self, offline: bool = False) -> None:
        self.offline = offline
        self.version = VERSION
        self._region = REGION
        self._accounts: list[str] = []
        self._tags: Tags = {}
        self._endpoint = endpoint()

    # Configuration

    async def get_schema(self, request: rpc.GetSchemaRequest) -> rpc.GetSchemaResponse:
        """Names the types and functions only: programs bring the SDK of the real provider."""
        resources = {name: {"inputProperties": {key: {"$ref": "pulumi.json#/Any"} for key in sorted(row.accepted)}} for name, row in ROWS.items()}
        return rpc.GetSchemaResponse(json.dumps({"name": "aws", "version": VERSION, "resources": resources, "functions": {name: {} for name in INVOKES}}))

    async def check_config(self, request: rpc.CheckRequest) -> rpc.CheckResponse:
        return rpc.CheckResponse(inputs=request.new_inputs)

    async def diff_config(self, request: rpc.DiffRequest) -> rpc.DiffResponse:
        old, new = plain_map(request.old_state), plain_map(request.new_inputs)
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        return rpc.DiffResponse(changes=bool(changed), replaces=[key for key in changed if key == "region"], diffs=changed)

    async def configure(self, request: rpc.ConfigureRequest) -> rpc.ConfigureResponse:
        """Takes region, allowedAccountIds and defaultTags; connects to nobody."""
        settings: dict[str, Any] = {key.rsplit(":", 1)[-1]: _decoded(value) for key, value in request.variables.items()}
        settings.update({key: _decoded(value) for key, value in plain_map(request.args).items()})
        region = settings.get("region")
        self._region = region if isinstance(region, str) and region else REGION
        self._accounts = [str(account) for account in settings.get("allowedAccountIds") or []]
        tags = (settings.get("defaultTags") or {}).get("tags") or {}
        self._tags = dict(tags)
        return rpc.ConfigureResponse(accept_secrets=True, supports_preview=True, accept_resources=False, accept_outputs=False)

    # Plan

    async def check(self, request: rpc.CheckRequest) -> rpc.CheckResponse:
        row, inputs = self._row(request.type), dict(request.new_inputs)
        unsupported = sorted(key for key in plain_map(inputs) if key not in row.accepted)
        if unsupported and not self.offline:
            why = f"the local AWS does not model it; {request.type} takes {', '.join(sorted(row.accepted - {'tagsAll'}))}"
            return rpc.CheckResponse(inputs=inputs, failures=[rpc.CheckFailure(key, why) for key in unsupported])
        if row.autoname and row.autoname not in inputs and f"{row.autoname}Prefix" not in inputs:
            held = request.old_inputs.get(row.autoname)
            # The engine's seed makes a replacement's name differ from the original's.
            seed = request.random_seed or request.urn.encode()
            inputs[row.autoname] = held or PropertyValue(f"{request.name}-{hashlib.sha256(seed).hexdigest()[:7]}")
        if row.tags and (merged := state.all_tags(self._tags, {"tags": plain(inputs["tags"])} if "tags" in inputs else {})):
            inputs["tagsAll"] = wrap(merged).with_secret("tags" in inputs and inputs["tags"].contains_secret())
        return rpc.CheckResponse(inputs=inputs)

    async def diff(self, request: rpc.DiffRequest) -> rpc.DiffResponse:
        row, old, new = self._row(request.type), plain_map(request.old_state), plain_map(request.new_inputs)
        changed = [name for name in state.differences(row, old, new, self._region) if name not in request.ignore_changes]
        replaces = [name for name in changed if state.replaced(row, name, old, new) or name == "region" or row.update is None]
        kinds = {name: _kind(name in old, name in new, name in replaces) for name in changed}
        return rpc.DiffResponse(
            changes=bool(changed),
            replaces=replaces,
            diffs=changed,
            delete_before_replace=bool(replaces) and state.deletes_first(row, old, new),
            detailed_diff={name: rpc.PropertyDiff(kind, input_diff=False) for name, kind in kinds.items()},
        )

    # Apply

    async def create(self, request: rpc.CreateRequest) -> rpc.CreateResponse:
        row, inputs, secrets = self._row(request.type), plain_map(request.properties), secret_keys(request.properties)
        if request.preview or self.offline:
            self._refuse_offline(request.preview, request.urn)
            return rpc.CreateResponse("", wrap_map(state.previewed(row, inputs, self._region_of(inputs)), secrets))
        api = self._api(inputs)

        def make() -> tuple[str, Properties]:
            identity = self._made(row, api, inputs, mark_of(request.urn, inputs))
            try:
                if row.finish:
                    row.finish(api, identity, inputs)
                return identity, self._observed(row, api, identity, inputs)
            except Exception:
                row.delete(api, identity, inputs)
                raise

        identity, outputs = await self._call(f"{request.name} could not be created", make)
        return rpc.CreateResponse(identity, wrap_map(outputs, secrets))

    async def read(self, request: rpc.ReadRequest) -> rpc.ReadResponse:
        self._refuse_offline(False, request.urn)
        row, held, old = self._row(request.type), plain_map(request.properties), plain_map(request.inputs)
        secrets = secret_keys(request.properties, request.inputs)
        return await self._call(f"{request.name} could not be read", lambda: self._read(row, request.resource_id, held, old, secrets))

    async def update(self, request: rpc.UpdateRequest) -> rpc.UpdateResponse:
        row, old, new = self._row(request.type), plain_map(request.olds), plain_map(request.news)
        secrets = secret_keys(request.news)
        if request.preview or self.offline:
            self._refuse_offline(request.preview, request.urn)
            return rpc.UpdateResponse(wrap_map(state.preview_updated(row, old, new), secrets))
        api, ignored = self._api(old), set(request.ignore_changes)
        changed = frozenset(state.differences(row, old, new, self._region)) - ignored

        def change() -> Properties:
            if row.update and changed - row.unseen:
                row.update(api, request.resource_id, old, new, changed)
            return self._observed(row, api, request.resource_id, new)

        return rpc.UpdateResponse(wrap_map(await self._call(f"{request.name} could not be updated", change), secrets))

    async def delete(self, request: rpc.DeleteRequest) -> None:
        self._refuse_offline(False, request.urn)
        row, held = self._row(request.type), plain_map(request.properties)
        api = self._api(held)

        def remove() -> None:
            try:
                row.delete(api, request.resource_id, held)
            except Exception as problem:
                if not is_gone(problem):
                    raise

        await self._call(f"{request.name} could not be deleted", remove)

    async def adopt(self, urn: str, type: str, inputs: Mapping[str, PropertyValue]) -> rpc.ReadResponse | None:
        """What an interrupted `create` with these checked inputs made, as `read` would show it; None when it made nothing."""
        if self.offline:
            return None
        row, wanted, secrets = self._row(type), plain_map(inputs), secret_keys(inputs)
        api = self._api(wanted)

        def look() -> rpc.ReadResponse | None:
            try:
                identity = row.find(api, wanted, {MARK: mark_of(urn, wanted)})
            except Exception as problem:
                if is_gone(problem):
                    return None
                raise
            found = self._read(row, identity, wanted, wanted, secrets) if identity else None
            return found if found and found.resource_id else None

        return await self._call(f"{urn.rsplit('::', 1)[-1]} could not be looked for", look)

    async def invoke(self, request: rpc.InvokeRequest) -> rpc.InvokeResponse:
        function = INVOKES.get(request.tok)
        if function is None:
            if self.offline:
                return rpc.InvokeResponse(return_value={})
            raise UsageError(f"the local AWS does not know the function {request.tok}", allowed=", ".join(sorted(INVOKES)), next="read the value from config")
        given = plain_map(request.args)
        if has_unknown(given):
            return rpc.InvokeResponse(return_value={name: wrap(UNKNOWN) for name in function.outputs})
        region = str(given.get("region") or self._region)
        if function.pure:
            account = self._accounts[0] if self.offline and self._accounts else UNKNOWN if self.offline else ACCOUNT
            return rpc.InvokeResponse(return_value=wrap_map(function.answer(given, region, account)))
        if self.offline:
            return rpc.InvokeResponse(return_value={name: wrap(UNKNOWN) for name in function.outputs})
        api = self._api({"region": region})
        return rpc.InvokeResponse(return_value=wrap_map(await self._call(f"{request.tok} failed", lambda: function.ask(api, given))))

    def answers_unknown(self, token: str) -> bool:
        """True for a function whose answer cannot be had while planning offline."""
        return self.offline and (token not in INVOKES or not INVOKES[token].pure)

    # Inside

    def _row(self, token: str) -> Row:
        # A URN's type names the parents' types too: `falaj:storage:EncryptedBucket$aws:s3/bucket:Bucket`.
        token = token.rsplit("$", 1)[-1]
        row = ROWS.get(token)
        if row is None and self.offline:
            # A program of somebody else's may use any type: it is planned by its inputs, and all it would return is unknown.
            row = _unmodelled(token)
        if row is None:
            raise UsageError(
                f"the local AWS does not have {token}",
                given=token,
                allowed=", ".join(sorted(ROWS)),
                why="every type needs a row that says how it is made, read, changed and removed",
                next="leave it out of the local environment, or add a row under infra/sandbox/aws/types/",
            )
        return row

    def _region_of(self, properties: Properties) -> str:
        return properties.get("region") or self._region

    def _api(self, properties: Properties) -> Api:
        if self._accounts and ACCOUNT not in self._accounts:
            raise UsageError(
                f"account {ACCOUNT} is not allowed by the provider",
                given=f"allowedAccountIds {', '.join(self._accounts)}",
                allowed=ACCOUNT,
                why="the local AWS has one account",
                next="set it in Pulumi.local.yaml",
            )
        return Api(clients_of(self._endpoint), self._region_of(properties), ACCOUNT)

    def _made(self, row: Row, api: Api, inputs: Properties, mark: str) -> str:
        """Make the thing; where that fails, perhaps because it is there, take the one that an earlier call made whose answer was lost."""
        try:
            return row.create(api, inputs, {**(inputs.get("tagsAll") or {}), MARK: mark})
        except FalajError:
            raise
        except Exception:
            with contextlib.suppress(Exception):
                identity = row.find(api, inputs, {MARK: mark})
                if identity and not self._differs(row, api, identity, inputs):
                    return identity
            raise

    def _differs(self, row: Row, api: Api, identity: str, inputs: Properties) -> bool:
        """Whether what is there is something else than was asked for: a thing of the same name that somebody else has made."""
        seen = row.read(api, identity, inputs)
        if seen is None:
            return True
        # What `finish` gives it, such as a bucket's tags, it may not have yet.
        lacking = {name for name in row.accepted if row.finish and empty(seen.get(name))}
        return bool(set(state.differences(row, state.outputs(row, seen, inputs, api.region, self._tags), inputs, self._region)) - lacking - {"tags"})

    def _observed(self, row: Row, api: Api, identity: str, known: Properties) -> Properties:
        seen = row.read(api, identity, known)
        if seen is None:
            raise UsageError(f"{identity} is gone again", why="somebody deleted it while it was being made")
        return state.outputs(row, seen, known, api.region, self._tags)

    def _read(self, row: Row, identity: str, held: Properties, old: Properties, secrets: frozenset[str]) -> rpc.ReadResponse:
        api = self._api(held)
        try:
            seen = row.read(api, identity, held)
        except Exception as problem:
            if not is_gone(problem):
                raise
            seen = None
        if seen is None:
            return rpc.ReadResponse("", {}, {})
        shown = state.outputs(row, seen, {**held, **old}, api.region, self._tags)
        return rpc.ReadResponse(identity, wrap_map(shown, secrets), wrap_map(state.inputs_from(row, shown, old), secrets))

    async def _call(self, what: str, function: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(_THREADS, function)
        except FalajError:
            raise
        except Exception as problem:
            raise explain(problem, what, self._endpoint) from problem

    def _refuse_offline(self, preview: bool, urn: str) -> None:
        if self.offline and not preview:
            raise UsageError("this provider only plans", given=urn, why="it was made offline, for an environment that the embedded engine must not touch")


def _decoded(value: Any) -> Any:
    """Provider settings other than text travel as JSON text."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _kind(held: bool, wanted: bool, replaces: bool) -> rpc.PropertyDiffKind:
    kinds = rpc.PropertyDiffKind
    if held and wanted:
        return kinds.UPDATE_REPLACE if replaces else kinds.UPDATE
    if wanted:
        return kinds.ADD_REPLACE if replaces else kinds.ADD
    return kinds.DELETE_REPLACE if replaces else kinds.DELETE


def _unmodelled(token: str) -> Row:
    def refuse(*_: Any) -> Any:
        raise UsageError(f"the local AWS does not have {token}")

    return Row(type=token, inputs=frozenset(), create=refuse, read=refuse, delete=refuse, find=refuse, update=refuse, regional=False)
