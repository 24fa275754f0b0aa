"""A signed report in the evidence bucket, whose objects nobody can change or remove until their time is over (Object Lock).

    {"schema": "falaj.signed_report/1", "report": {...}, "digest": ..., "key": ..., "signature": ...}

`digest` is the report's own; `signature` is Ed25519, in base64, over the canonical JSON of all but itself, by the key that signs evidence folders.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from falaj.canonical import NoJson, canonical, digest
from falaj.errors import Fault
from falaj.signing import fingerprint, sealed, verifies

SCHEMA = "falaj.signed_report/1"


@dataclass(frozen=True)
class Deposited:
    """Where a report lies: its address, the version that S3 gave it, and the digest of its bytes."""

    uri: str
    version: str
    digest: str


def signed(report: Mapping[str, Any]) -> dict[str, Any]:
    """`report` with its digest and the signature of this installation's key for evidence."""
    return sealed({"schema": SCHEMA, "report": dict(report), "digest": digest(report)})


def doubt(document: Any, pem: bytes) -> str:
    """Why `document` is not what the holder of the public key `pem` signed, in words; empty where it is."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA or not isinstance(document.get("signature"), str):
        return "it is no signed report"
    body = {name: value for name, value in document.items() if name != "signature"}
    try:
        genuine = verifies(pem, base64.b64decode(document["signature"], validate=True), canonical(body))
        same = document.get("digest") == digest(document.get("report"))
    except (binascii.Error, ValueError, NoJson):
        genuine = same = False
    if not genuine:
        return f"it was signed by another key, {document.get('key')}" if document.get("key") != fingerprint(pem) else "it was altered after it had been signed"
    return "" if same else "its digest is that of another report"


def put(document: Mapping[str, Any], bucket: str, name: str) -> Deposited:
    """Write a signed `document` into `bucket` as `name`, once: what is there is never replaced, and S3 compares the digest with what arrived.

    Raises Fault where it did not arrive, something is there already, or the bucket keeps no versions, so that nothing locks it.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    data = canonical(document)
    uri = f"s3://{bucket}/{name}"
    try:
        answer = boto3.client("s3").put_object(
            Bucket=bucket,
            Key=name,
            Body=data,
            ContentType="application/json",
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
            IfNoneMatch="*",
        )
    except (BotoCoreError, ClientError) as problem:
        raise Fault(
            "the report is not in the evidence",
            given=uri,
            why=str(problem),
            next="let the caller s3:PutObject there and kms:GenerateDataKey with its key (docs/ci.md), then look again; only this machine has the report",
        ) from problem
    if not answer.get("VersionId"):
        raise Fault(
            "the evidence is not locked",
            given=uri,
            allowed="a bucket with versions and Object Lock, as stack foundation makes it",
            why="S3 gave the report no version, so anybody who may write there can replace it",
            next="find out who changed the bucket: runbooks/infrastructure_drift.md",
        )
    return Deposited(uri, answer["VersionId"], digest(document))
