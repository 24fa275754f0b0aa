"""A happy world to run the stack programs in: every resource is recorded as its program registers it, nothing exists, nobody is asked."""

from __future__ import annotations

import asyncio
import json
import os
import runpy
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.stack import run_in_stack

from falaj.home import ROOT
from infra.config.load import read_values

STACKS = ("foundation", "cluster", "platform", "workloads")
UNKNOWN = {"__falaj__": "unknown"}


@dataclass(frozen=True)
class Recorded:
    """One registered resource; unknown inputs are the marker, as in a plan."""

    urn: str
    type: str
    name: str
    custom: bool
    inputs: dict[str, Any]
    provider: str
    protect: bool
    refers: dict[str, list[str]]
    """Input -> URNs it was computed from."""
    ignores: list[str]


@dataclass
class World:
    """What one run of one program registered and exported."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Recorded]:
        """Resources whose type ends with `kind`, by logical name."""
        return {each.name: each for each in self.resources if each.type.rsplit(":", 1)[-1] == kind}

    def one(self, kind: str, name: str) -> Recorded:
        return self.of(kind)[name]

    @property
    def custom(self) -> list[Recorded]:
        return [each for each in self.resources if each.custom]


class _Monitor(mocks.MockMonitor):
    def __init__(self, world: World, state: Mapping[str, Any]) -> None:
        super().__init__(_Silence())
        self.world, self.state = world, state

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As an engine makes them: the types of all parents, the stack's own left out."""
        above = parent.split("::")[2] if parent else ""
        prefix = f"{above}$" if above and above != "pulumi:pulumi:Stack" else ""
        return "urn:pulumi:" + "::".join([settings.get_stack(), settings.get_project(), prefix + type_, name])

    def RegisterResource(self, request: Any) -> Any:
        mocks._ensure_event_loop()
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = rpc.deserialize_properties(request.object, keep_unknowns=True)
        refers = {key: sorted(found.urns) for key, found in request.propertyDependencies.items() if found.urns}
        if request.type != "pulumi:pulumi:Stack":
            self.world.resources.append(
                Recorded(
                    urn, request.type, request.name, request.custom, _marked(inputs), request.provider, request.protect, refers, list(request.ignoreChanges)
                )
            )
        known = {**inputs, **self.state.get(request.type, {})}
        answer = mocks._sync_await(rpc.serialize_properties(known, {}))
        return mocks.resource_pb2.RegisterResourceResponse(urn=urn, id="", object=answer)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if ":pulumi:Stack::" in request.urn:
            self.world.outputs.update(_marked(rpc.deserialize_properties(request.outputs, keep_unknowns=True)))
        return super().RegisterResourceOutputs(request)


class _Silence(mocks.Mocks):
    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"a program asked {args.token} while planning; config knows the answer")

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise AssertionError("the recorder answers registrations itself")


def run(stack: str, environment: str, *, config: Mapping[str, Any] | None = None, upstream: Mapping[str, Mapping[str, Any]] | None = None) -> World:
    """Run a stack's program as a preview of an environment that does not exist.

    `config` changes keys (None leaves one out), `upstream` the outputs of earlier stacks.
    """
    values = {**read_values(ROOT / "stacks" / stack / f"Pulumi.{environment}.yaml"), **(config or {})}
    texts = {f"falaj:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items() if value is not None}
    world = World()
    with _runtime(world, stack, environment, texts, upstream if upstream is not None else nothing_yet(stack)):
        program = str(ROOT / "stacks" / stack / "__main__.py")

        async def execute() -> None:
            runpy.run_path(program, run_name="__main__")

        asyncio.get_event_loop().run_until_complete(run_in_stack(execute))
    return world


def nothing_yet(stack: str) -> dict[str, dict[str, Any]]:
    """Every output of the stacks before `stack`, as unknown as in an environment that does not exist."""
    from infra.components.contracts import ClusterOutputs, FoundationOutputs, Outputs, PlatformOutputs

    found: dict[str, dict[str, Any]] = {}
    contracts: tuple[type[Outputs], ...] = (FoundationOutputs, ClusterOutputs, PlatformOutputs)
    for contract in contracts[: STACKS.index(stack)]:
        found[contract.stack] = {name: UNKNOWN for name in contract.model_fields}
        found[contract.stack]["contract"] = contract.model_fields["contract"].default
    return found


def names_known() -> dict[str, dict[str, Any]]:
    """What the stack `workloads` is told where the stacks before it exist: all names, as a cluster would have them."""
    found = nothing_yet("workloads")
    found["foundation"] |= {"bucket_names": {"data": "no-data", "artifacts": "no-artifacts"}}
    found["platform"] |= {
        "service_accounts": {"training": "falaj-training", "inference": "falaj-inference"},
        "claims": {"work": "work", "requests": "requests"},
        "priorities": {"serving": "falaj-serving", "training": "falaj-training"},
    }
    return found


def manifests(world: World) -> dict[str, dict[str, Any]]:
    """Kind and logical name -> the object as it reaches a cluster, its numbers whole as YAML would have them."""
    found = {f"{each.inputs['kind']}/{each.name}": _whole(each.inputs) for each in world.custom if "kind" in each.inputs}
    return {name: each for name, each in found.items() if "metadata" in each}


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    return [_whole(each) for each in value] if isinstance(value, list) else int(value) if isinstance(value, float) else value


@contextmanager
def _runtime(world: World, stack: str, environment: str, config: Mapping[str, str], upstream: Mapping[str, Any]) -> Generator[None]:
    before = os.environ.get("FALAJ_UPSTREAM")
    path = Path(os.environ["FALAJ_HOME"]) / "upstream.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(upstream))
    os.environ["FALAJ_UPSTREAM"] = str(path)
    loop = asyncio.new_event_loop()
    # A refusal reaches the caller as it is; the many outputs that wait for the same value would each print it again.
    loop.set_exception_handler(lambda *_: None)
    asyncio.set_event_loop(loop)
    settings.reset_options(project=f"falaj-{stack}", stack=environment, organization="organization", preview=True)
    settings.ROOT.set(None)
    monitor = _Monitor(world, {})
    features = set(monitor.GetDeploymentInfo(None).supportedFeatures)
    chosen = mocks.MockSettings(
        monitor=monitor,
        monitor_features=features,
        engine=mocks.MockEngine(None),
        project=f"falaj-{stack}",
        stack=environment,
        dry_run=True,
        organization="organization",
        callbacks=None,
    )
    settings.configure(chosen)
    pulumi.runtime.set_all_config(dict(config))
    try:
        yield
    finally:
        settings.ROOT.set(None)
        pulumi.runtime.set_all_config({})
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
        asyncio.set_event_loop(None)
        os.environ.pop("FALAJ_UPSTREAM") if before is None else os.environ.__setitem__("FALAJ_UPSTREAM", before)


def _marked(value: Any) -> Any:
    if rpc.known_types.is_unknown(value):
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _marked(each) for key, each in value.items()}
    return [_marked(each) for each in value] if isinstance(value, list) else value
