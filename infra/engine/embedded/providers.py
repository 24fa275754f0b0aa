"""Providers as the engine calls them: plain values in, plain values out, and the wire protocol's rules in between.

The rules are those of Pulumi's plugin client and of the Python provider server, so that a provider answers the same in
process as it does as a plugin of the CLI.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from pulumi.provider.experimental import provider as rpc

from falaj.errors import UsageError
from infra.engine.embedded.values import Properties, Secret, Unknown, contains, from_provider, reveal, to_provider

T = TypeVar("T")
ProviderSource = Callable[[str], rpc.Provider]
"""Makes a fresh provider for a package name; raises UsageError when there is none."""


class Adopts(Protocol):
    """The optional hook described in this package's docstring."""

    async def adopt(self, urn: str, type: str, inputs: Any) -> rpc.ReadResponse | None: ...


class CheckFailed(Exception):
    """A provider refused inputs; one sentence per failure."""

    def __init__(self, failures: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in failures))
        self.failures = failures


class Interrupted(Exception):
    """A provider cannot say what became of a create that was interrupted."""


@dataclass(frozen=True)
class Diff:
    """What a change of inputs means for a resource. `changes` None: the provider does not say."""

    changes: bool | None
    replace_keys: list[str] = field(default_factory=list)
    changed_keys: list[str] = field(default_factory=list)
    delete_before_replace: bool = False
    replaces: bool = False
    paths: list[str] = field(default_factory=list)
    """Property paths of the detailed diff, where the provider gives one."""


@dataclass(frozen=True)
class Read:
    """What is live; an empty id says that nothing is."""

    id: str
    inputs: Properties
    outputs: Properties


class _Loops:
    """Event loops to borrow: one per call under way, kept for the next."""

    def __init__(self) -> None:
        self._free: list[asyncio.AbstractEventLoop] = []
        self._mutex = threading.Lock()
        atexit.register(self.close)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run a provider's method to its end on this thread."""
        with self._mutex:
            loop = self._free.pop() if self._free else asyncio.new_event_loop()
        try:
            return loop.run_until_complete(call)
        finally:
            with self._mutex:
                self._free.append(loop)

    def close(self) -> None:
        with self._mutex:
            for loop in self._free:
                loop.close()
            self._free.clear()


_wait = _Loops().run


class ProviderClient:
    """One configured provider object. Methods may be called from any thread."""

    def __init__(self, provider: rpc.Provider) -> None:
        self.provider = provider
        self._known = True
        self._secrets = True
        self._previews = True

    # --- the provider's own configuration

    def check_config(self, urn: str, olds: Properties, news: Properties) -> Properties:
        answer = _wait(self.provider.check_config(rpc.CheckRequest(urn, to_provider(olds), to_provider(news), b"")))
        _raise_failures(answer.failures)
        return from_provider(answer.inputs)

    def diff_config(self, urn: str, id_: str, old_outputs: Properties, news: Properties) -> Diff:
        """The Python provider server sends its `changes` flag where the protocol wants an enum: True arrives as "no difference" and False as
        "unknown". Kept, so that a plan is the same here as with the provider as a plugin."""
        answer = _wait(self.provider.diff_config(rpc.DiffRequest(urn, id_, to_provider(old_outputs), to_provider(news), [])))
        changes = False if answer.changes else reveal(old_outputs) != reveal(news)
        return Diff(changes, list(answer.replaces), list(answer.diffs), answer.delete_before_replace, bool(answer.replaces))

    def configure(self, package: str, inputs: Properties) -> None:
        """With a value that is not known yet, the provider is not called at all until the apply."""
        self._known = not contains(inputs, Unknown)
        if not self._known:
            return
        bare = reveal(inputs)
        variables = {f"{package}:config:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in bare.items()}
        answer = _wait(self.provider.configure(rpc.ConfigureRequest(variables, to_provider(inputs), True, True)))
        self._secrets, self._previews = answer.accept_secrets, answer.supports_preview

    # --- resources

    def check(self, urn: str, olds: Properties, news: Properties, seed: bytes) -> Properties:
        """The inputs with the provider's defaults. Raises CheckFailed."""
        if not self._known:
            return news
        answer = _wait(self.provider.check(rpc.CheckRequest(urn, self._out(olds), self._out(news), seed)))
        _raise_failures(answer.failures)
        return self._marked(from_provider(answer.inputs), news)

    def diff(self, urn: str, id_: str, old_inputs: Properties, old_outputs: Properties, news: Properties, ignore: list[str]) -> Diff:
        if not self._known:
            return Diff(True)
        answer = _wait(self.provider.diff(rpc.DiffRequest(urn, id_, self._out(old_outputs), self._out(news), list(ignore))))
        kinds = {rpc.PropertyDiffKind.ADD_REPLACE, rpc.PropertyDiffKind.DELETE_REPLACE, rpc.PropertyDiffKind.UPDATE_REPLACE}
        replaces = bool(answer.replaces) or any(detail.kind in kinds for detail in answer.detailed_diff.values())
        if answer.changes is None:
            changed = sorted(key for key in old_inputs.keys() | news.keys() if not equal(old_inputs.get(key), news.get(key)))
            return Diff(bool(changed), list(answer.replaces), changed, answer.delete_before_replace, replaces)
        return Diff(answer.changes, list(answer.replaces), list(answer.diffs), answer.delete_before_replace, replaces, list(answer.detailed_diff))

    def create(self, urn: str, inputs: Properties, *, preview: bool, timeout: float = 0) -> tuple[str, Properties]:
        """(id, outputs). In a preview the id is empty, and without a configuration so are the outputs: the program takes them as unknown."""
        if preview and not self._known:
            return "", {}
        if preview and not self._previews:
            return "", inputs
        answer = _wait(self.provider.create(rpc.CreateRequest(urn, self._out(inputs), timeout, preview)))
        if not preview and not answer.resource_id:
            raise RuntimeError("provider did not return an ID from Create")
        return answer.resource_id or "", self._marked(from_provider(answer.properties), inputs)

    def update(self, urn: str, id_: str, olds: Properties, news: Properties, ignore: list[str], *, preview: bool, timeout: float = 0) -> Properties:
        if preview and not self._known:
            return {}
        if preview and not self._previews:
            return news
        answer = _wait(self.provider.update(rpc.UpdateRequest(urn, id_, self._out(olds), self._out(news), timeout, list(ignore), preview)))
        return self._marked(from_provider(answer.properties), news)

    def delete(self, urn: str, id_: str, outputs: Properties, timeout: float = 0) -> None:
        _wait(self.provider.delete(rpc.DeleteRequest(urn, id_, self._out(outputs), timeout)))

    @property
    def sees(self) -> bool:
        """False for one that only plans, or whose configuration is not known yet: it cannot read what is live."""
        return self._known and not getattr(self.provider, "offline", False)

    def read(self, urn: str, id_: str, inputs: Properties, outputs: Properties) -> Read:
        answer = _wait(self.provider.read(rpc.ReadRequest(urn, id_, self._out(outputs), self._out(inputs))))
        return self._read(answer, inputs)

    def adopt(self, urn: str, type_: str, inputs: Properties) -> Read | None:
        """What an interrupted create left, or None. Raises Interrupted when the provider cannot tell and cannot repeat creates either."""
        if hasattr(self.provider, "adopt"):
            answer = _wait(cast(Adopts, self.provider).adopt(urn, type_, self._out(inputs)))
            return self._read(answer, inputs) if answer is not None and answer.resource_id else None
        if getattr(self.provider, "repeatable_creates", False):
            return None
        raise Interrupted(type_)

    def invoke(self, token: str, arguments: Properties) -> tuple[Properties | None, list[tuple[str, str]]]:
        """(return value, failures); the return value is None when it cannot be known yet."""
        if not self._known or (getattr(self.provider, "answers_unknown", None) or (lambda _: False))(token):
            return None, []
        answer = _wait(self.provider.invoke(rpc.InvokeRequest(token, self._out(arguments))))
        failures = [(failure.property, failure.reason) for failure in answer.failures]
        if not answer.return_value and not failures and getattr(self.provider, "offline", False):
            return None, []
        return from_provider(answer.return_value), failures

    def _out(self, properties: Properties) -> Any:
        return to_provider(properties, secrets=self._secrets)

    def _read(self, answer: rpc.ReadResponse, inputs: Properties) -> Read:
        return Read(answer.resource_id or "", self._marked(from_provider(answer.inputs), inputs), self._marked(from_provider(answer.properties), inputs))

    def _marked(self, outputs: Properties, inputs: Properties) -> Properties:
        """Outputs of a provider that knows no secrets are secret where the inputs of the same name were."""
        if self._secrets:
            return outputs
        marked = dict(outputs)
        for key, value in inputs.items():
            if key not in outputs:
                continue
            if isinstance(value, dict) and isinstance(outputs[key], dict):
                marked[key] = self._marked(outputs[key], value)
            elif contains(value, Secret) and not isinstance(outputs[key], Secret):
                marked[key] = Secret(outputs[key])
        return marked


def equal(old: Any, new: Any) -> bool:
    """Equality by value: secret marks do not count, and an unknown equals nothing."""
    return not contains(new, Unknown) and reveal(old) == reveal(new)


def _raise_failures(failures: list[rpc.CheckFailure] | None) -> None:
    if failures:
        raise CheckFailed([(failure.property, failure.reason) for failure in failures])


def no_provider(package: str) -> UsageError:
    """The refusal of a package that nothing here can apply."""
    return UsageError(
        f"there is no provider for package '{package}' in the local environment",
        given=package,
        allowed="aws, kubernetes",
        why="the local environment has an emulated AWS and a process cluster, nothing else",
        next="leave those resources out of the local environment; `falaj plan` of any other environment works without a provider",
    )
