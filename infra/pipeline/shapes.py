"""Whether a document has the shape that its rules were written for: a rule that compares a number with text would answer, and answer wrongly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from falaj.files import read_json
from infra.pipeline.evidence_documents import KINDS, unlike
from infra.pipeline.library import Kind, Library
from infra.pipeline.schema import problems

_DOCUMENTS = {"release": "candidate", "repository": "repository"}
"""Kind of rules -> the part of its input that has a schema of that name."""


def misshapen(library: Library, kind: Kind, input: Mapping[str, Any]) -> list[str]:
    """What is wrong with the types of the judged document, one sentence each; a plan has its own types, and its rules ask for the rest."""
    if kind != "plan" and any('"__falaj__"' in json.dumps(value) for key, value in input.items() if key not in ("parameters", "now")):
        return ["a mark stands in it for a value that is not known, and only plans have those"]
    if name := _DOCUMENTS.get(kind):
        schema = read_json(library.folder / "schemas" / f"{name}.schema.json", what=f"{name} schema", next="restore it from git")
        return [f"the {name} is misshapen: {wrong}" for wrong in problems(input.get(name), schema)]
    if kind == "evidence":
        return [f"the newest {type} is misshapen: {where} is not like the example" for type, where in _unlike(input["evidence"])]
    return []


def _unlike(evidence: Any) -> list[tuple[str, str]]:
    documents = evidence.get("documents") if isinstance(evidence, dict) else None
    if not isinstance(documents, dict):
        return [("evidence", "documents")]
    found: list[tuple[str, str]] = []
    for type in KINDS:
        newest = documents.get(type) or []
        if not isinstance(newest, list) or not all(isinstance(each, dict) and isinstance(each.get("facts"), dict) for each in newest):
            found.append((type, "the list of it"))
        elif newest:
            found += [(type, where) for where in unlike(newest[0]["facts"], KINDS[type].facts, "facts")]
    return found
