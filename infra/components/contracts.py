"""What one stack hands to the next: typed, versioned outputs, checked when they are read.

A contract holds plain values only, never a Resource and never a credential. Reading goes to the stack itself, or, while a plan is made
of an environment whose earlier stacks do not exist yet, to the file named by FALAJ_UPSTREAM that the planner wrote.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_type_hints

import pulumi
from pulumi import Output
from pulumi.output import UNKNOWN
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from falaj.errors import UsageError

UPSTREAM_VARIABLE = "FALAJ_UPSTREAM"
_MARK = "__falaj__"


class Outputs(BaseModel):
    """Base of the contracts. Every field but `contract` is an Output of the type it names."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    stack: ClassVar[str]


class FoundationOutputs(Outputs):
    """Of stack `foundation`."""

    stack = "foundation"
    contract: Literal["falaj.foundation/1"] = "falaj.foundation/1"
    key_arns: Output[dict[str, str]]
    """Data class -> key."""
    bucket_names: Output[dict[str, str]]
    """state, data, artifacts, evidence, logs -> bucket."""
    vpc_id: Output[str]
    node_subnet_ids: Output[list[str]]
    endpoint_subnet_ids: Output[list[str]]
    """Subnets of the control plane's own interfaces; one per zone, as the node subnets are."""
    repository_urls: Output[dict[str, str]]
    role_arns: Output[dict[str, str]]
    """operator, auditor -> role that people take."""
    volumes: Output[dict[str, str]]
    """work, requests and each team's -> `<file system>::<access point>` of the shared files."""
    files_group_id: Output[str]
    """Security group of the shared files' targets; the cluster opens it to its nodes."""
    database: Output[dict[str, str]]
    """host, administrator (ARN of the secret that RDS keeps) and group of the PostgreSQL; empty where there is none."""


class ClusterOutputs(Outputs):
    """Of stack `cluster`. No kubeconfig: whoever connects brings an identity of their own."""

    stack = "cluster"
    contract: Literal["falaj.cluster/1"] = "falaj.cluster/1"
    name: Output[str]
    endpoint: Output[str]
    certificate_authority: Output[str]
    """Base64 of the PEM certificate."""
    node_role_arn: Output[str]
    pools: Output[list[str]]
    """Names of the node pools, as in the label `falaj/pool` of their nodes."""


class PlatformOutputs(Outputs):
    """Of stack `platform`."""

    stack = "platform"
    contract: Literal["falaj.platform/1"] = "falaj.platform/1"
    namespaces: Output[list[str]]
    service_accounts: Output[dict[str, str]]
    """Namespace -> service account of its workloads."""
    claims: Output[dict[str, str]]
    """`work`, `requests` -> volume claim."""
    priorities: Output[dict[str, str]]
    """`serving`, `training` -> priority class."""


class WorkloadsOutputs(Outputs):
    """Of stack `workloads`."""

    stack = "workloads"
    contract: Literal["falaj.workloads/1"] = "falaj.workloads/1"
    stages: Output[list[str]]
    """Job templates, in the order in which a run uses them."""
    service: Output[str]
    """`<namespace>/<service>` of the model server."""
    releases: Output[str]
    """Where releases are published to and served from."""


C = TypeVar("C", bound=Outputs)


def export(outputs: Outputs) -> None:
    """Publish `outputs` as the outputs of the running stack."""
    for name in type(outputs).model_fields:
        pulumi.export(name, getattr(outputs, name))


def upstream(contract: type[C]) -> C:
    """The outputs of the stack that `contract` belongs to, in the same environment as the running stack.

    Each value is checked when it becomes known. Raises UsageError, naming stack and key, for one that is missing or of another form, and for
    another version of the contract.
    """
    environment = pulumi.get_stack()
    planned = _planned(contract.stack)
    reference = None if planned is not None else pulumi.StackReference(f"organization/falaj-{contract.stack}/{environment}")
    version = get_args(contract.model_fields["contract"].annotation)[0]
    hints = get_type_hints(contract)

    def read(name: str) -> Output[Any]:
        if reference is not None:
            return reference.get_output(name)
        assert planned is not None
        return _from_plan(planned.get(name))

    found = read("contract")
    values: dict[str, Any] = {}
    for name in contract.model_fields:
        if name != "contract":
            adapter = TypeAdapter(get_args(hints[name])[0])
            values[name] = Output.all(found, read(name)).apply(_checker(contract.stack, name, version, adapter))
    return contract(**values)


def _checker(stack: str, name: str, version: str, adapter: TypeAdapter[Any]) -> Any:
    def check(pair: list[Any]) -> Any:
        published, value = pair
        if published != version:
            raise UsageError(
                f"stack {stack} publishes another contract",
                given=str(published),
                allowed=version,
                why="the two stacks were written for different versions of what is between them",
                next=f"bring stack {stack} up to date first",
            )
        if value is None:
            raise UsageError(
                f"stack {stack} has no output '{name}'",
                given=version,
                why="its last apply came from an older program, or did not finish",
                next=f"bring stack {stack} up to date first",
            )
        try:
            return adapter.validate_python(value)
        except ValidationError as problem:
            raise UsageError(
                f"output '{name}' of stack {stack} has another form",
                given=version,
                why=problem.errors(include_url=False)[0]["msg"],
                next=f"bring stack {stack} up to date first",
            ) from problem

    return check


def _planned(stack: str) -> Mapping[str, Any] | None:
    """What the planner says this stack would output; None where it says nothing."""
    path = os.environ.get(UPSTREAM_VARIABLE)
    if not path:
        return None
    try:
        return json.loads(Path(path).read_text(encoding="utf-8")).get(stack)
    except (OSError, ValueError, AttributeError) as problem:
        raise UsageError(
            "the file of planned outputs cannot be read",
            given=f"{UPSTREAM_VARIABLE}={path}",
            allowed="a JSON object: stack -> output -> value",
            why=str(problem),
            next=f"unset {UPSTREAM_VARIABLE}, or plan the environment as a whole",
        ) from problem


def _from_plan(value: Any) -> Output[Any]:
    """A planned value with its markers turned into unknown and secret Outputs."""
    return Output.from_input(_unmarked(value))


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {_MARK}:
            unknown = Output.from_input(UNKNOWN)
            return Output.secret(unknown) if value[_MARK] == "secret" else unknown
        return {key: _unmarked(each) for key, each in value.items()}
    return [_unmarked(each) for each in value] if isinstance(value, list) else value
