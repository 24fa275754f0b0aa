"""Which images may run, by digest: those that somebody of ours signed, and those of others that somebody answers for until a day.

A signature is cosign's: ECDSA (P-256, SHA-256) over a simple-signing document that names the digest
(https://github.com/containers/image/blob/main/docs/containers-signature.5.md), so that either program verifies what the other one signed.
Beside the rules, in `images/`: signers.json (whose signature counts, and where), signatures/<hex of the digest>.json, and reviewed.json.
The gate verifies them here, and tells rules the outcome as the parameter `known_images`; no file of parameters can set it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

from falaj import elliptic
from falaj.canonical import canonical
from falaj.errors import UsageError
from falaj.files import read_json, said_once, write_json
from infra.pipeline.schema import problems

SCHEMA = "falaj.image_signature/1"
TYPE = "cosign container image signature"
BILL = "bill-of-materials"
"""Key of the claim that names the digest of what is in the image."""
NOBODY = "nobody whose signature counts has signed it"
"""What is wrong with an image that neither list knows; the rule and its CEL say the same."""
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")


@dataclass(frozen=True)
class Signer:
    """Somebody whose signature counts in `environments`."""

    name: str
    key: EllipticCurvePublicKey
    environments: tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """What a signature says: this digest is that image, with that list of what is in it (its digest; empty where none is named)."""

    reference: str
    digest: str
    bill: str = ""


@dataclass(frozen=True)
class Known:
    """What is known of one digest in one environment: `by` says who stands behind it, `why` why nobody does; one of them is empty.

    `reviewed` is true of an image of others that somebody answers for.
    """

    digest: str
    image: str
    by: str
    why: str
    bill: str = ""
    reviewed: bool = False


def payload(claim: Claim) -> bytes:
    """The document that is signed for `claim`. Raises UsageError for what is no digest, or no name."""
    if not _DIGEST.match(claim.digest) or not claim.reference.strip():
        raise UsageError("this names no image", given=f"{claim.reference}@{claim.digest}", allowed="NAME@sha256:DIGEST", why="only a digest is content")
    critical = {"identity": {"docker-reference": claim.reference}, "image": {"docker-manifest-digest": claim.digest}, "type": TYPE}
    return canonical({"critical": critical, "optional": {BILL: claim.bill} if claim.bill else None})


def claimed(document: bytes) -> Claim | None:
    """What a signed document says; None where it is none of an image."""
    try:
        said = json.loads(document, object_pairs_hook=said_once)
        critical, optional = said["critical"], said.get("optional") or {}
        claim = Claim(critical["identity"]["docker-reference"], critical["image"]["docker-manifest-digest"], optional.get(BILL, ""))
        sound = critical["type"] == TYPE and all(isinstance(part, str) for part in (claim.reference, claim.digest, claim.bill))
        return claim if sound and _DIGEST.match(claim.digest) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def sign(claim: Claim, private: EllipticCurvePrivateKey) -> dict[str, Any]:
    """The signature of `claim`, as it is kept."""
    document = payload(claim)
    return kept(document, elliptic.signed(private, document))


def kept(document: bytes, signature: bytes) -> dict[str, Any]:
    """A signed document with its signature (DER), as they are kept."""
    return {"schema": SCHEMA, "payload": base64.b64encode(document).decode(), "signature": base64.b64encode(signature).decode()}


def keep(policies: Path, signature: Mapping[str, Any]) -> Path:
    """Write a signature where the gate looks for it, in place of an earlier one of the same image. Raises UsageError for one that signs no image."""
    claim = claimed(base64.b64decode(signature["payload"]))
    if claim is None:
        raise UsageError("this signs no image", allowed=f"a document of type {TYPE!r} that names a digest", next="cosign sign, or falaj image sign")
    path = policies / "images" / "signatures" / f"{claim.digest.removeprefix('sha256:')}.json"
    write_json(path, dict(signature))
    return path


def signers(policies: Path) -> list[Signer]:
    """Whose signature counts; nobody where there is no list. Raises UsageError for a list that is not of its schema, or a key that is none."""
    named = _listed(policies, "signers", "image_signers", {})
    return [
        Signer(name, elliptic.load_public(one["key"].encode(), what=f"the key of signer {name}"), tuple(one["environments"])) for name, one in named.items()
    ]


def look(policies: Path, environment: str, now: str, *, review_days: int) -> list[Known]:
    """All that is known in `environment` at `now` (RFC 3339), by digest; a signature that counts comes before a review.

    A review holds until its day, and no longer than `review_days` ahead. Raises UsageError for a list that is wrong.
    """
    trusted = signers(policies)
    schema = _schema(policies, "image_signature")
    found: dict[str, Known] = {}
    for path in sorted((policies / "images" / "signatures").glob("*")):
        one = _signed(path, schema, trusted, environment)
        found[one.digest] = one
    for review in _listed(policies, "reviewed", "image_reviews", []):
        one = _reviewed(review, now, review_days)
        before = found.get(one.digest)
        if before is None or (before.why and not one.why):
            found[one.digest] = one
    return sorted(found.values(), key=lambda one: one.digest)


def known_images(policies: Path, environment: str, now: str, *, review_days: int) -> dict[str, str]:
    """What rules are told: digest -> why it may not run in `environment`, and nothing where it may."""
    return {one.digest: one.why for one in look(policies, environment, now, review_days=review_days) if _DIGEST.match(one.digest)}


def _signed(path: Path, schema: Mapping[str, Any], trusted: list[Signer], environment: str) -> Known:
    digest = f"sha256:{path.name.removesuffix('.json')}"
    if not _DIGEST.match(digest) or path.suffix != ".json":
        return Known(path.name, "", "", f"its file is not called after a digest: {path.name}")
    try:
        document = json.loads(path.read_bytes(), object_pairs_hook=said_once)
        wrong = problems(document, dict(schema))
        data, signature = (b"", b"") if wrong else tuple(base64.b64decode(document[part], validate=True) for part in ("payload", "signature"))
    except (OSError, ValueError, RecursionError, binascii.Error) as problem:
        return Known(digest, "", "", f"its signature cannot be read: {problem}")
    claim = claimed(data)
    if wrong or claim is None:
        return Known(digest, "", "", "; ".join(wrong) or "what was signed names no image")
    if claim.digest != digest:
        return Known(digest, claim.reference, "", f"its signature is of another image, {claim.digest}")
    theirs = [signer for signer in trusted if elliptic.verifies(signer.key, signature, data)]
    here = [signer.name for signer in theirs if environment in signer.environments]
    if here:
        return Known(digest, claim.reference, f"signed by {', '.join(here)}", "", claim.bill)
    elsewhere = f"{theirs[0].name} signs for {', '.join(theirs[0].environments)}, not for {environment}" if theirs else NOBODY
    return Known(digest, claim.reference, "", elsewhere, claim.bill)


def _reviewed(review: Mapping[str, str], now: str, review_days: int) -> Known:
    image, _, digest = review["image"].rpartition("@")
    today = date.fromisoformat(now[:10])
    try:
        expires = date.fromisoformat(review["expires"])
    except ValueError:
        return Known(digest, image, "", f"{review['expires']}, to which {review['owner']} answers for it, is no day")
    if expires < today:
        return Known(digest, image, "", f"{review['owner']} answered for it until {expires}")
    if expires > today + timedelta(days=review_days):
        return Known(digest, image, "", f"{review['owner']} answers for it until {expires}, more than {review_days} days ahead")
    return Known(digest, image, f"reviewed by {review['owner']} until {expires}", "", reviewed=True)


def _listed(policies: Path, name: str, schema: str, nothing: Any) -> Any:
    path = policies / "images" / f"{name}.json"
    if not path.exists():
        return nothing
    value = read_json(path, what=f"list of images ({name})", next="restore it from git", by_hand=True)
    if wrong := problems(value, _schema(policies, schema)):
        raise UsageError(f"the list {name} of images is wrong", given=str(path), allowed=f"policies/schemas/{schema}.schema.json", why="; ".join(wrong))
    return value


def _schema(policies: Path, name: str) -> dict[str, Any]:
    return read_json(policies / "schemas" / f"{name}.schema.json", what=f"{name} schema", next="restore it from git")
