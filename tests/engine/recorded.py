"""What the genuine CLI did with the programs under `vectors/`, and both sides' plans and states in one comparable form."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from pulumi.provider.experimental import provider as rpc

from infra.artifacts import SECRET, UNKNOWN
from infra.engine.embedded.crypt import Crypter
from infra.engine.embedded.values import SECRET_SIGNATURE, SIGNATURE, UNKNOWN_TEXT
from infra.engine.engine import Preview, Program
from infra.engine.program import open_program

VECTORS = Path(__file__).parent / "vectors"
STACK = "case"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UNTOLD = {"created", "modified", "sourcePosition", "stackTrace", "time", "magic", "version", "salt"}
"""Fields the recording leaves out, because they differ from run to run."""

Json = dict[str, Any]


def recording(case: str) -> Json:
    return json.loads((VECTORS / "recorded" / f"{case}.json").read_text())


def program(case: str, step: int) -> Program:
    """The program of a case at one of its steps."""
    opened = open_program(VECTORS / "programs" / case, STACK)
    return dataclasses.replace(opened, config={f"{opened.project}:step": str(step)})


def _load_vec() -> Any:
    spec = importlib.util.spec_from_file_location("vec_provider", VECTORS / "provider" / "vec_provider.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Vec = _load_vec().Vec


def vec(package: str) -> rpc.Provider:
    """A provider source that knows the recorded cases' one package."""
    assert package == "vec"
    return Vec()


# --- plans


def recorded_plan(preview: Json) -> tuple[dict[str, Json], dict[str, int]]:
    """({urn: what happens to it}, counts per operation). The CLI's JSON shows neither default providers nor unchanged resources."""
    shown = {}
    for step in preview["steps"]:
        state = step.get("newState") or step["oldState"]
        if step["op"] == "same":
            continue
        was = (step.get("oldState") or state)["urn"]
        shown[step["urn"]] = {
            "former": was if was != state["urn"] else None,
            "op": step["op"],
            "type": state["type"],
            "custom": state["custom"],
            "parent": state.get("parent"),
            "provider": _known(state.get("provider")),
            "inputs": _marked(state.get("inputs", {})),
            "dependencies": sorted(state.get("dependencies", [])),
            "property_dependencies": {key: sorted(deps) for key, deps in state.get("propertyDependencies", {}).items()},
            "protect": state.get("protect", False),
            "diff_keys": sorted(step.get("diffReasons", [])),
            "replace_keys": sorted(step.get("replaceReasons", [])),
        }
    return shown, preview["changeSummary"]


def made_plan(preview: Preview) -> tuple[dict[str, Json], dict[str, int]]:
    """The same form of an engine's plan."""
    mine = [item for item in preview.resources if not (item.type.startswith("pulumi:providers:") and item.name.startswith("default"))]
    counts: dict[str, int] = {}
    for item in mine:
        if item.op != "read":
            counts[item.op] = counts.get(item.op, 0) + 1
    shown = {
        item.urn: {
            **item.to_json(),
            "provider": _known(_UUID.sub("UUID", item.provider)) if item.provider else None,
        }
        for item in mine
        if item.op != "same"
    }
    for fields in shown.values():
        del fields["urn"], fields["name"]
    return shown, counts


def whole_plan(preview: Preview) -> list[Json]:
    """Every resource of a plan in its order; the ids of providers, which each engine makes up, are made equal."""
    return [{**item.to_json(), "provider": _UUID.sub("UUID", item.provider) if item.provider else None} for item in preview.resources]


def _known(reference: str | None) -> str | None:
    return reference.removesuffix(UNKNOWN_TEXT) if reference else None


def _marked(value: Any) -> Any:
    """Inputs as the CLI's JSON shows them, with the markers of a plan."""
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    return UNKNOWN if value == UNKNOWN_TEXT else SECRET if value == "[secret]" else value


# --- states


def comparable(deployment: Json) -> Json:
    """A deployment without what differs from run to run, its resources by URN. Secrets are in the clear."""
    salt = deployment["secrets_providers"]["state"].get("salt")
    cleaned = _clean(deployment, Crypter(salt))
    resources = sorted(cleaned.pop("resources", []), key=lambda item: (item["urn"], item.get("delete", False), item.get("id", "")))
    for item in resources:
        item["dependencies"] = sorted(item.get("dependencies", []))
        item["propertyDependencies"] = {key: sorted(deps) for key, deps in item["propertyDependencies"].items()} if "propertyDependencies" in item else None
    return {**cleaned, "resources": resources}


def _clean(value: Any, crypter: Crypter) -> Any:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET_SIGNATURE:
            text = value["plaintext"] if "plaintext" in value else crypter.decrypt(value["ciphertext"])
            return {SIGNATURE: SECRET_SIGNATURE, "plaintext": json.loads(text)}
        return {key: _clean(item, crypter) for key, item in value.items() if key not in _UNTOLD}
    if isinstance(value, list):
        return [_clean(item, crypter) for item in value]
    return _UUID.sub(lambda found: found[0] if found[0] == UNKNOWN_TEXT else "UUID", value) if isinstance(value, str) else value


def out_of_order(deployment: Json) -> list[tuple[str, str]]:
    """(resource, dependency) for every dependency that does not stand before the resource."""
    seen: set[str] = set()
    wrong = []
    for item in deployment.get("resources", []):
        needs = {item.get("parent"), (item.get("provider") or "").rpartition("::")[0], *item.get("dependencies", [])}
        needs.update(urn for deps in (item.get("propertyDependencies") or {}).values() for urn in deps)
        wrong += [(item["urn"], need) for need in sorted(need for need in needs if need) if need not in seen]
        seen.add(item["urn"])
    return wrong


# --- errors


def recorded_errors(lines: list[str]) -> list[str]:
    """What the CLI said went wrong, without its closing line and without the plugin protocol's wrapping."""
    stripped = [line.removeprefix("error: ").removeprefix("Preview failed: ") for line in lines]
    unwrapped = [re.sub(r"^Unexpected <class '.*?'>: (.*):$", r"\1", line) for line in stripped]
    return [line for line in unwrapped if line not in ("update failed", "preview failed")]
