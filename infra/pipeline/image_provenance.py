"""Provenance of images as it is kept and verified: DSSE envelopes around what build_provenance.py reads, signed as images are (image_signatures.py).

`images/provenance/<hex of the digest>.json` beside the rules. Whose signature counts, and where, the same signers.json says. It bears on no plan: an image
may run by its signature. The evidence document `build_provenance` says what was verified, and the rule `builds_traced` judges it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from falaj import dsse, elliptic
from falaj.errors import UsageError
from falaj.files import read_json, said_once, write_json
from infra.pipeline.build_provenance import Provenance, read
from infra.pipeline.image_signatures import Signer, signers
from infra.pipeline.schema import problems

PAYLOAD_TYPE = "application/vnd.in-toto+json"
NOBODY = "nobody has said how it was built"
_FILE = re.compile(r"^[0-9a-f]{64}\.json$")


@dataclass(frozen=True)
class Traced:
    """What is known of how one image was built: `by` says whose word it is, `why` why it does not count; one of them is empty."""

    digest: str
    by: str
    why: str
    builder: str = ""
    repository: str = ""
    commit: str = ""
    clean: bool | None = None


def sign(payload: bytes, private: EllipticCurvePrivateKey) -> dict[str, Any]:
    """The envelope around a statement, as it is kept."""
    return dsse.envelope(PAYLOAD_TYPE, payload, [elliptic.signed(private, dsse.pae(PAYLOAD_TYPE, payload))])


def keep(policies: Path, envelope: Mapping[str, Any], *, of: str = "") -> Path:
    """Write an envelope where it is looked for, in place of an earlier one of the same image.

    Raises UsageError for what is no provenance of an image, or of another image than `of` (its digest, where given).
    """
    next_ = "build the image with tools/image.sh, which leaves NAME.provenance.json beside it"
    try:
        kind, payload, signatures = dsse.opened(envelope)
        said, why = read(payload) if kind == PAYLOAD_TYPE else (None, f"it is of type {kind}")
    except ValueError as problem:
        said, why, payload, signatures = None, str(problem), b"", []
    if said is None:
        raise UsageError("this does not say how an image was built", allowed="a provenance of SLSA version 1 that tools/image.sh wrote", why=why, next=next_)
    if of and said.digest != of:
        raise UsageError("this provenance is of another image", given=said.digest, allowed=of, why="it would vouch for what it was not made with", next=next_)
    path = policies / "images" / "provenance" / f"{said.digest.removeprefix('sha256:')}.json"
    write_json(path, dsse.envelope(PAYLOAD_TYPE, payload, signatures))
    return path


def trace(policies: Path, environment: str) -> dict[str, Traced]:
    """All that is kept, by digest, and whether it counts in `environment`. What is called after no digest stands under its file's name.

    Raises UsageError for a list of signers that is wrong.
    """
    trusted = signers(policies)
    schema = read_json(policies / "schemas" / "image_provenance.schema.json", what="image_provenance schema", next="restore it from git")
    found = [_traced(path, schema, trusted, environment) for path in sorted((policies / "images" / "provenance").glob("*"))]
    return {one.digest: one for one in found}


def _traced(path: Path, schema: Mapping[str, Any], trusted: list[Signer], environment: str) -> Traced:
    if not _FILE.match(path.name):
        return Traced(path.name, "", "its file is not called after a digest")
    digest = f"sha256:{path.stem}"
    try:
        document = json.loads(path.read_bytes(), object_pairs_hook=said_once)
        if wrong := problems(document, dict(schema)):
            return Traced(digest, "", "; ".join(wrong))
        kind, payload, signatures = dsse.opened(document)
    except (OSError, ValueError, RecursionError) as problem:
        return Traced(digest, "", f"its provenance cannot be read: {problem}"[:200])
    signed = dsse.pae(kind, payload)
    theirs = [signer for signer in trusted if any(elliptic.verifies(signer.key, each, signed) for each in signatures)]
    if not theirs:
        return Traced(digest, "", "nobody whose signature counts has signed how it was built")
    here = [signer.name for signer in theirs if environment in signer.environments]
    if not here:
        return Traced(digest, "", f"{theirs[0].name} signs for {', '.join(theirs[0].environments)}, not for {environment}")
    # Nothing of it is believed before that.
    said, why = read(payload) if kind == PAYLOAD_TYPE else (None, f"it is of type {kind}")
    if said is None:
        return Traced(digest, "", why)
    return _said(digest, said, ", ".join(here))


def _said(digest: str, said: Provenance, names: str) -> Traced:
    if said.digest != digest:
        return Traced(digest, "", f"its provenance is of another image, {said.digest}")
    return Traced(digest, f"signed by {names}", "", said.builder, said.repository, said.commit, said.clean)
