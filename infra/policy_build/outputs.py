"""All that the library can be built into, each in a folder of its own, with a list of every file and its digest."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from falaj.canonical import digest_file
from falaj.errors import UsageError
from falaj.files import read_json, write_json
from infra.pipeline.library import Library

OUTPUTS = {
    "pulumi": "infra.policy_build.pulumi_pack",
    "pulumi-opa": "infra.policy_build.pulumi_opa_pack",
    "gatekeeper": "infra.policy_build.gatekeeper",
    "admission": "infra.policy_build.admission",
    "opa-bundle": "infra.policy_build.opa_bundle",
    "conftest": "infra.policy_build.conftest_folder",
    "organisation": "infra.policy_build.organisation",
}
"""Name -> module with `write(library, environment, out) -> list[Path]`, imported on use."""
_LIST = "build.json"
_SCHEMA = "falaj.policy_build/1"


def build(library: Library, environment: str, out: Path, only: tuple[str, ...] = ()) -> dict[str, Any]:
    """Build the outputs named in `only`, or all, below `out`; returns what build.json then holds.

    Files that an earlier build listed and this one does not make are removed, so that no rule outlives its removal from the library;
    nothing else in `out` is touched. Raises UsageError for an unknown output or environment.
    """
    unknown = sorted(set(only) - set(OUTPUTS))
    if unknown:
        raise UsageError(
            f"there is no output '{unknown[0]}'", given=", ".join(unknown), allowed=", ".join(OUTPUTS), next="choose one of these, or name none for all"
        )
    before = _listed(out)
    outputs = {name: files for name, files in before.items() if only and name not in only}
    for name in only or OUTPUTS:
        written = import_module(OUTPUTS[name]).write(library, environment, out / name)
        outputs[name] = {path.relative_to(out).as_posix(): digest_file(path) for path in sorted(written)}
        for gone in set(before.get(name, {})) - set(outputs[name]):
            (out / gone).unlink(missing_ok=True)
    made = {"schema": _SCHEMA, "environment": environment, "policy_digest": library.digest, "outputs": dict(sorted(outputs.items()))}
    write_json(out / _LIST, made)
    return made


def _listed(out: Path) -> dict[str, dict[str, str]]:
    """Output -> its files, of the build that stands in `out`; an empty folder has none."""
    path = out / _LIST
    if not path.exists():
        return {}
    found = read_json(path, what="list of built files", next="choose another folder")
    if not isinstance(found, dict) or found.get("schema") != _SCHEMA:
        raise UsageError(f"{path} is not a list of built policies", given=str(path), allowed=f"schema {_SCHEMA}", next="choose another folder")
    inside = out.resolve()
    files = {name: dict(each) for name, each in found.get("outputs", {}).items()}
    if any(not (out / path).resolve().is_relative_to(inside) for each in files.values() for path in each):
        raise UsageError(f"{path} names files outside its folder", given=str(path), next="choose another folder")
    return files
