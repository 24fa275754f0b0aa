"""Provider resources: loads, checks, configures and finds providers by their reference, and makes the default ones."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from falaj.errors import Fault
from infra.engine.embedded import urns
from infra.engine.embedded.providers import Diff, ProviderClient, ProviderSource
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.values import UNKNOWN_TEXT, Properties, Secret

_INTERNAL = "__internal"
_UNCONFIGURED = "unconfigured"


def bare_config(inputs: Properties) -> Properties:
    """A provider resource's inputs without the engine's own entry."""
    return {key: value for key, value in inputs.items() if key != _INTERNAL}


class Registry:
    """All providers of one run, by `<urn>::<id>`. A checked one waits under the id `unconfigured` until it is made or confirmed."""

    def __init__(self, source: ProviderSource, *, preview: bool, builtins: Mapping[str, ProviderClient]) -> None:
        self._source = source
        self._preview = preview
        self._builtins = builtins
        self._clients: dict[str, ProviderClient] = {}
        self._mutex = threading.Lock()
        self.now: Mapping[str, str] = {}
        """Old URN of a provider -> the one it is registered under in this run."""

    def get(self, reference: str) -> ProviderClient:
        """The configured provider of a reference. Raises Fault when the program named one that was never registered."""
        with self._mutex:
            client = self._clients.get(reference)
        if client is None:
            raise Fault(f"unknown provider '{reference}'", why="a resource refers to a provider that is neither registered nor in the state")
        return client

    def ensure(self, reference: str, old: Resource | None) -> ProviderClient:
        """The provider of a reference, loaded with its old inputs when only the state knows it."""
        urn, id_ = urns.split_reference(reference)
        with self._mutex:
            client = self._clients.get(reference) or self._clients.get(f"{self.now.get(urn, urn)}::{id_}")
            if client is not None:
                return client
        if old is None or f"{old.urn}::{old.id}" != reference:
            return self.get(reference)
        return self.same(old, old.inputs, fresh=True)

    def check(self, urn: str, olds: Properties, news: Properties) -> Properties:
        client = self._load(urn)
        checked = client.check_config(urn, bare_config(olds), bare_config(news))
        if "version" in news:
            checked.setdefault("version", news["version"])
        if _INTERNAL in news:
            checked[_INTERNAL] = news[_INTERNAL]
        self._put(urn, _UNCONFIGURED, client)
        return checked

    def diff(self, old: Resource, news: Properties) -> Diff:
        with self._mutex:
            client = self._clients.get(f"{old.urn}::{_UNCONFIGURED}") or self._clients[f"{old.urn}::{old.id}"]
        return client.diff_config(old.urn, old.id, old.outputs, bare_config(news))

    def create(self, urn: str, inputs: Properties) -> tuple[str, Properties]:
        """Configure a checked provider under a new id: a made-up one that stands for "unknown" in a preview."""
        id_ = UNKNOWN_TEXT if self._preview else str(uuid.uuid4())
        config = bare_config(inputs)
        self._configure(urn, id_, self._take(urn), config)
        return id_, config

    def update(self, urn: str, id_: str, inputs: Properties) -> Properties:
        config = bare_config(inputs)
        self._configure(urn, id_, self._take(urn), config)
        return config

    def same(self, old: Resource, inputs: Properties, *, fresh: bool = False) -> ProviderClient:
        """Configure an unchanged provider with the inputs it was made with."""
        client = self._load(old.urn) if fresh else self._take(old.urn)
        self._configure(old.urn, old.id, client, bare_config(inputs))
        return client

    def _configure(self, urn: str, id_: str, client: ProviderClient, config: Properties) -> None:
        package = urns.package_of(urns.type_of(urn))
        client.configure(package, config)
        self._put(urn, id_, client)

    def _load(self, urn: str) -> ProviderClient:
        package = urns.package_of(urns.type_of(urn))
        return self._builtins.get(package) or ProviderClient(self._source(package))

    def _take(self, urn: str) -> ProviderClient:
        with self._mutex:
            return self._clients.pop(f"{urn}::{_UNCONFIGURED}", None) or self._load(urn)

    def _put(self, urn: str, id_: str, client: ProviderClient) -> None:
        with self._mutex:
            self._clients[f"{urn}::{id_}"] = client


class DefaultProviders:
    """Registers one provider per package and version for the resources that name none."""

    def __init__(self, config: Mapping[str, str], secrets: frozenset[str], register: Callable[[str, str, Properties], str]) -> None:
        """`register(type, name, inputs)` registers a provider resource and returns its reference."""
        self._config, self._secrets, self._register = config, secrets, register
        self._references: dict[tuple[str, str], str] = {}
        self._mutex = threading.Lock()

    def reference(self, package: str, version: str) -> str:
        """Reference of the default provider for a package; the version is the SDK's, and part of its name."""
        key = (package, "" if package == "pulumi" else version)
        with self._mutex:
            if key not in self._references:
                self._references[key] = self._register(f"{urns.PROVIDER_PREFIX}{package}", _default_name(key[1]), self._inputs(*key))
            return self._references[key]

    def _inputs(self, package: str, version: str) -> Properties:
        inputs: dict[str, Any] = {}
        for key, value in self._config.items():
            namespace, _, name = key.partition(":")
            if namespace == package:
                inputs[name] = Secret(value) if key in self._secrets else value
        if version:
            inputs.update({_INTERNAL: {}, "version": version})
        return inputs


def with_version(inputs: Properties, version: str) -> Properties:
    """Inputs of an explicit provider, pinned to the SDK's version."""
    return {**inputs, _INTERNAL: inputs.get(_INTERNAL, {}), "version": version} if version else inputs


def _default_name(version: str) -> str:
    return "default" + "".join(f"_{part}" for part in version.replace("-", ".").replace("+", ".").split(".") if part)
