"""What `falaj image` does with how an image was built: signs it along, shows it, and writes it down as evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from falaj.errors import UsageError

if TYPE_CHECKING:
    from infra.pipeline.image_provenance import Traced
    from infra.pipeline.image_signatures import Known


def sign_along(policies: Path, digest: str, statement: Path, key: Path) -> Path:
    """Sign the statement about the image `digest` and keep it. Raises UsageError for one about another image, before anything is written."""
    from falaj.elliptic import load_private
    from infra.pipeline.image_provenance import keep, sign

    try:
        payload = statement.read_bytes()
    except OSError as problem:
        raise UsageError("this provenance cannot be read", given=str(statement), why=str(problem), next="tools/image.sh leaves one") from problem
    return keep(policies, sign(payload, load_private(key, what="image key")), of=digest)


def take(policies: Path, envelope: Path) -> Path:
    """Keep an envelope that was signed elsewhere."""
    from falaj.files import said_once
    from infra.pipeline.image_provenance import keep

    try:
        document = json.loads(envelope.read_bytes(), object_pairs_hook=said_once)
    except (OSError, ValueError, RecursionError) as problem:
        allowed = "a DSSE envelope around a provenance; the payload of a signature needs the signature beside it"
        raise UsageError("this envelope cannot be read", given=str(envelope), allowed=allowed, why=str(problem)) from problem
    return keep(policies, document)


def traced(policies: Path, environment: str, found: Sequence[Known]) -> list[Traced]:
    """How each of the images was built, in their order."""
    from infra.pipeline.image_provenance import NOBODY, Traced, trace

    known = trace(policies, environment)
    return [known.get(one.digest, Traced(one.digest, "", NOBODY)) for one in found]


def with_provenance(found: Sequence[Known], built: Sequence[Traced]) -> list[dict[str, Any]]:
    """For a program: each image as it is known, and how it was built."""
    return [
        {**asdict(one), "provenance": {name: value for name, value in asdict(how).items() if name != "digest"}} for one, how in zip(found, built, strict=True)
    ]


def said(how: Traced) -> str:
    """For a person, in one cell."""
    if how.why:
        return f"not known: {how.why}"
    return f"{how.commit[:12] or 'no commit'}{'' if how.clean else ', and changes'} by {how.builder or 'nobody'}, {how.by}"


def facts(found: Sequence[Known], built: Sequence[Traced]) -> Mapping[str, Any]:
    """Of a `build_provenance` document. An image of others is said to be reviewed, and by whom."""
    images = [
        {
            "digest": one.digest,
            "reviewed": one.by if one.reviewed else "",
            "verified": not how.why,
            "why": how.why,
            "by": how.by,
            "builder": how.builder,
            "repository": how.repository,
            "commit": how.commit,
            "clean": how.clean,
        }
        for one, how in zip(found, built, strict=True)
    ]
    return {"images": images}
