"""Dated, signed documents about what was done: a drift run, a restore test, a drill. The evidence rules ask whether they are there and fresh.

A document is one JSON file, `falaj.evidence/<type>/1`: type, environment, at (UTC), by, facts, key (fingerprint of the signer's public key) and
signature (Ed25519, base64, over the canonical JSON of all but the signature). Whose signature counts is said outside of the folder, since whoever
can write a document there could write a list of signers too: a file that the operator names, or else this installation's own key.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from falaj.canonical import NoJson, canonical
from falaj.errors import UsageError
from falaj.files import read_json, write_json
from falaj.home import keys_folder
from falaj.signing import fingerprint, public_pem, sealed, signing_key, verifies
from infra.pipeline.reading import read_document

KEY = "witness"
"""Name of the key that documents are signed with, unless another is named."""
_MOMENT = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")
_NEXT = "write it again: falaj evidence new TYPE"


@dataclass(frozen=True)
class Kind:
    """One type of document: what it is about, and its facts with an example of each."""

    about: str
    facts: Mapping[str, Any]


KINDS: Mapping[str, Kind] = {
    "drift_run": Kind(
        "Live requests were compared with the reference of the release.", {"state": "ok", "release": "r1-0a1b2c3d", "requests": 400, "action": ""}
    ),
    "restore_test": Kind(
        "A backup was read back somewhere else and compared.", {"restored": ["state", "artifacts"], "succeeded": True, "minutes": 35, "compared": "digests"}
    ),
    "access_review": Kind(
        "Somebody looked at who may do what, and took back what is not needed.", {"reviewer": "name", "identities": 12, "removed": 1, "open": 0}
    ),
    "vulnerability_scan": Kind(
        "Dependencies and images were compared with known weaknesses.",
        {"tool": "name and version", "targets": ["requirements/all.txt"], "open": [{"id": "CVE-2026-0001", "severity": "high", "since": "2026-01-01"}]},
    ),
    "off_switch_test": Kind(
        "Serving was stopped or taken back, on purpose, and came back.", {"took_back": "r2-0a1b2c3d", "to": "r1-0a1b2c3d", "succeeded": True, "seconds": 40}
    ),
    "incident_drill": Kind("The runbook of an incident was walked through.", {"runbook": "incident", "people": 4, "findings": 2, "open": 0}),
    "image_attestations": Kind(
        "Each image that runs has a signature and a bill of materials.",
        {"images": [{"digest": "sha256:" + "0" * 64, "signed": True, "bill_of_materials": True}]},
    ),
    "release_served": Kind(
        "The digest that is served is the digest that was registered.",
        {"release": "r1-0a1b2c3d", "registered": "sha256:" + "0" * 64, "served": ["sha256:" + "0" * 64]},
    ),
    "change_record": Kind(
        "A change that was made, with what it was judged by and who agreed.",
        {
            "plan": "sha256:" + "0" * 64,
            "policy": "sha256:" + "0" * 64,
            "state_serial": 1,
            "author": "name",
            "approver": "another name",
            "rollback": "commit or plan to go back to",
        },
    ),
    "waiver_review": Kind(
        "Somebody looked at every exception in force.",
        {"waivers": [{"id": "w1", "owner": "name", "reason": "why", "control": "what protects instead", "approvals": 2, "expires": "2026-12-31"}]},
    ),
    "branch_protection": Kind(
        "The forge was asked what it asks of a change before it lets it into a branch.",
        {
            "repository": "owner/name",
            "branches": [
                {
                    "branch": "main",
                    "reviews": 1,
                    "stale_reviews_dismissed": True,
                    "last_push_reviewed_by_another": True,
                    "force_pushes": False,
                    "deletion": False,
                    "checks": ["test"],
                    "bypass": ["Team 7"],
                }
            ],
        },
    ),
    "build_provenance": Kind(
        "Each image that runs is traced to the commit it was built from, and to who built it.",
        {
            "images": [
                {
                    "digest": "sha256:" + "0" * 64,
                    "reviewed": "",
                    "verified": True,
                    "why": "",
                    "by": "signed by name",
                    "builder": "https://builder",
                    "repository": "git+https://forge/owner/name",
                    "commit": "0" * 40,
                    "clean": True,
                }
            ]
        },
    ),
}
"""Type -> what it is about; an example's facts show every field."""


def template(kind: str, environment: str, *, by: str, now: datetime, facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An unsigned document of type `kind`, with example facts where none are given. Raises UsageError for a type there is not."""
    return {
        "schema": f"falaj.evidence/{kind}/1",
        "type": kind,
        "environment": environment,
        "at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "by": by,
        "facts": dict(known(kind).facts if facts is None else facts),
    }


def known(kind: str) -> Kind:
    """The type called `kind`. Raises UsageError where there is none."""
    if kind not in KINDS:
        raise UsageError(f"there is no evidence document of type '{kind}'", given=kind, allowed=", ".join(KINDS), next="choose one of these")
    return KINDS[kind]


def sign(document: Mapping[str, Any], key: str = KEY) -> dict[str, Any]:
    """`document` with the signature of this installation's key called `key`, over all of it.

    Raises UsageError for a document without type, moment or name, and for facts that are still those of the example.
    """
    wrong = problem(document)
    if not wrong and document["facts"] == known(document["type"]).facts:
        wrong = "its facts are still those of the example"
    if wrong:
        raise UsageError("this document cannot be signed", given=str(document.get("type")), why=wrong, next="put in what was really seen, then sign")
    return sealed({name: value for name, value in document.items() if name not in ("signature", "key")}, key)


def problem(document: Any) -> str:
    """Why `document` is none, in words; empty where it is one. Says nothing of its signature."""
    if not isinstance(document, dict):
        return "it is not a JSON object"
    kind = document.get("type")
    if not isinstance(kind, str) or kind not in KINDS or document.get("schema") != f"falaj.evidence/{kind}/1":
        return "its schema and type are none that there are"
    if not isinstance(document.get("at"), str) or not _is_moment(document["at"]):
        return "its moment is not UTC as 2026-01-31T12:00:00Z"
    if not isinstance(document.get("by"), str) or not document["by"].strip():
        return "nobody is named who saw it"
    if not isinstance(document.get("facts"), dict) or not isinstance(document.get("environment"), str):
        return "it has no facts, or no environment"
    wrong = unlike(document["facts"], KINDS[kind].facts, "facts")
    return f"{wrong[0]} is not like the example" if wrong else ""


def unlike(value: Any, example: Any, path: str) -> list[str]:
    """Places in `value` that are of another type than in `example`, or count less than nothing.

    What is null is missing, which the rules ask about; what the example lacks may be anything.
    """
    if value is None:
        return []
    kinds = [(bool,), (int, float), (str,), (list,), (dict,)]
    same = next(each for each in kinds if isinstance(example, each))
    if not isinstance(value, same) or isinstance(value, bool) != isinstance(example, bool):
        return [path]
    if isinstance(value, int | float) and value < 0:
        return [path]
    if isinstance(value, dict):
        return [where for key in value if key in example for where in unlike(value[key], example[key], f"{path}.{key}")]
    if isinstance(value, list) and example:
        return [where for index, item in enumerate(value) for where in unlike(item, example[0], f"{path}[{index}]")]
    return []


def read_folder(folder: Path, environment: str, *, signers: Path | None = None) -> dict[str, Any]:
    """What the evidence rules are told: `documents` of this environment by type (newest first), and `unreadable` files with the reason.

    A document without a good signature of a known signer (see `trusted`) is in the list with `signed` false and `why`. Raises UsageError where
    there is no folder.
    """
    if not folder.is_dir():
        raise UsageError("there is no folder of evidence documents here", given=str(folder), next="write the first one: falaj evidence new drift_run")
    known_signers = trusted(signers)
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    unreadable: dict[str, str] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            document = read_document(path, what="evidence document", next=_NEXT)
        except UsageError as wrong:
            unreadable[path.name] = wrong.what
            continue
        if why := problem(document):
            unreadable[path.name] = why
        elif document["environment"] == environment:
            doubt = _doubt(document, known_signers)
            found[document["type"]].append({**{name: document[name] for name in ("at", "by", "facts")}, "file": path.name, "signed": not doubt, "why": doubt})
    newest_first = {kind: sorted(each, key=lambda one: (one["at"], one["file"]), reverse=True) for kind, each in found.items()}
    return {"environment": environment, "documents": newest_first, "unreadable": unreadable}


def trusted(signers: Path | None = None) -> dict[str, bytes]:
    """Fingerprint -> public key (PEM) of those whose signature counts: the names in the file `signers`, or this installation's own key if it has one.

    Raises UsageError when the file is not an object of name -> public key.
    """
    if signers is None:
        own = [public_pem(signing_key(KEY))] if (keys_folder() / f"{KEY}.pem").exists() else []
        return {fingerprint(pem): pem for pem in own}
    named = read_json(signers, what="list of signers", next="name -> public key in PEM")
    try:
        return {fingerprint(pem.encode()): pem.encode() for pem in named.values()}
    except (AttributeError, ValueError) as wrong:
        raise UsageError("the list of signers is none", given=str(signers), allowed="a JSON object of name -> Ed25519 public key in PEM") from wrong


def _doubt(document: Mapping[str, Any], signers: Mapping[str, bytes]) -> str:
    signature, key = document.get("signature"), document.get("key")
    if not isinstance(signature, str):
        return "nobody has signed it"
    if not isinstance(key, str) or key not in signers:
        return "its signer is not known here"
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return "its signature is none"
    body = {name: value for name, value in document.items() if name != "signature"}
    try:
        return "" if verifies(signers[key], raw, canonical(body)) else "it was altered after it had been signed"
    except NoJson as problem:
        return problem.what


def _is_moment(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return False
    return bool(_MOMENT.match(text))


def write(folder: Path, document: Mapping[str, Any]) -> Path:
    """Write `document` into `folder`, named by type and moment; a second one of the same moment replaces the first."""
    path = folder / f"{document['type']}-{document['at'].replace(':', '').replace('-', '').lower()}.json"
    write_json(path, dict(document))
    return path
