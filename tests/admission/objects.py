"""The samples of plan rules as objects of a cluster, and the gate's answer about them. What cannot exist in a cluster is left out, and counted."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from infra.pipeline.policy_engine import RegorusEngine
from infra.policy_build.admissible import api_kind, modules_of
from tests.policies.samples import LIBRARY, NOON, PARAMETERS, SAMPLES, Sample, plan_of

_ENGINE = RegorusEngine()


@dataclass(frozen=True)
class Case:
    """One sample as objects, with what the gate's own rule says of each: object's key -> reasons, empty where it may pass."""

    sample: Sample
    objects: tuple[dict[str, Any], ...]
    reasons: dict[str, list[str]]

    def __str__(self) -> str:
        return str(self.sample)


def cases(rules: set[str], complete: Callable[[dict[str, Any], str], dict[str, Any]]) -> tuple[list[Case], list[str]]:
    """The samples of these rules as cases, objects made whole by `complete`; and the names of those that no cluster can hold."""
    found, left_out = [], []
    for sample in SAMPLES:
        if sample.rule.id in rules:
            objects = [one for resource in sample.input["plan"]["resources"] if (one := as_object(resource))]
            if objects and len(objects) == len(sample.input["plan"]["resources"]):
                made = tuple(complete(copy.deepcopy(one), sample.rule.id) for one in objects)
                found.append(Case(sample, made, gate(sample.rule.id, made)))
            else:
                left_out.append(str(sample))
    return found, left_out


def as_object(resource: dict[str, Any]) -> dict[str, Any] | None:
    """The manifest of a plan's resource; None for one that holds hidden values, is no object of a cluster, or is going."""
    kind = api_kind(resource["type"])
    text = json.dumps(resource["inputs"])
    if kind is None or resource["op"] in ("delete", "read") or '"__falaj__": "unknown"' in text:
        return None
    inputs = copy.deepcopy(resource["inputs"])
    if resource["type"] == "kubernetes:core/v1:Secret":
        # In a cluster a Secret holds its values; a plan marks them secret.
        inputs |= {field: _values(inputs[field]) for field in ("data", "stringData") if field in inputs}
    if '"__falaj__"' in json.dumps(inputs):
        return None
    metadata = {"name": resource["urn"].rpartition("::")[2], **inputs.pop("metadata", {})}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **inputs}


def _values(field: Any) -> dict[str, str]:
    return dict.fromkeys(["password"] if "__falaj__" in field else field, "cGFzcw==")


def key(manifest: dict[str, Any]) -> str:
    metadata = manifest["metadata"]
    return f"{manifest['kind']} {metadata.get('namespace', '')}/{metadata['name']}"


def gate(rule: str, objects: tuple[dict[str, Any], ...]) -> dict[str, list[str]]:
    """What the gate says of a plan that makes exactly these objects, by this rule alone."""
    return gate_of_all((rule,), objects)[rule]


def gate_of_all(rules: tuple[str, ...], objects: tuple[dict[str, Any], ...]) -> dict[str, dict[str, list[str]]]:
    """Rule -> object's key -> what the gate says of it, in a plan that makes exactly these objects."""
    urns = {f"urn:pulumi:prod::app::{_type(one)}::{number}": one for number, one in enumerate(objects)}
    resources = [
        {"urn": urn, "type": _type(one), "name": urn, "op": "create", "custom": True, "inputs": _inputs(one), "property_dependencies": {}}
        for urn, one in urns.items()
    ]
    input = {"plan": plan_of(resources).to_json(), "parameters": PARAMETERS, "now": NOON}
    found = _ENGINE.evaluate(_alone(rules), f"{LIBRARY.digest} {rules}", "data.falaj.alone.found", input)
    return {rule: {key(one): sorted({why for who, subject, why in found if (who, subject) == (rule, urn)}) for urn, one in urns.items()} for rule in rules}


@cache
def _alone(rules: tuple[str, ...]) -> dict[str, str]:
    """The rules with what they stand on, and a module that asks no others."""
    modules: dict[str, str] = {}
    lines = ["package falaj.alone", "", "import rego.v1", ""]
    for rule in (one for one in LIBRARY.rules if one.id in rules):
        modules |= modules_of(LIBRARY, rule)
        for part in ("fail", "unknown"):
            lines.append(f'found contains ["{rule.id}", urn, why] if {{\n\tsome urn, all in data.{rule.package}.{part}\n\tsome why in all\n}}\n')
    return {**modules, "alone": "\n".join(lines)}


def _type(manifest: dict[str, Any]) -> str:
    version = manifest["apiVersion"]
    return f"kubernetes:{version if '/' in version else 'core/' + version}:{manifest['kind']}"


def _inputs(manifest: dict[str, Any]) -> dict[str, Any]:
    inputs = copy.deepcopy(manifest)
    if manifest["kind"] == "Secret":
        inputs |= {field: {"__falaj__": "secret"} for field in ("data", "stringData") if field in inputs}
    return inputs
