"""One folder that proves what was done: every document, a manifest of their digests, and a signature over the manifest.

    manifest.json       path -> digest, size, kind; the head of the audit log
    signature.ed25519   64 bytes over the bytes of manifest.json
    public_key.pem      whose signature; trust in the key comes from elsewhere
    how_to_verify.md    for whoever gets the folder

Same documents, key and time give the same bytes.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from falaj.canonical import digest_bytes
from falaj.errors import Fault, UsageError
from falaj.files import lock, write_durably
from falaj.home import ROOT, evidence_folder
from falaj.signing import fingerprint, public_pem, signing_key
from infra.artifacts import Artifact
from infra.audit import chain
from infra.audit.bindings import open_points
from infra.audit.guide import GUIDE
from infra.audit.history import keep_applied, keep_policies
from infra.audit.sources import Kind, Source, refuse_private_keys, sources

MANIFEST, SIGNATURE, PUBLIC_KEY, GUIDE_NAME = "manifest.json", "signature.ed25519", "public_key.pem", "how_to_verify.md"
ENVELOPE = frozenset({MANIFEST, SIGNATURE, PUBLIC_KEY})
"""The files that the manifest cannot list: itself, and what signs it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EvidenceFile(_Part):
    """One file of the folder; `bytes` is its size."""

    digest: str
    bytes: int
    kind: Kind


class ChainHead(_Part):
    """Where the audit log ended when it was signed."""

    entries: int
    digest: str


class Manifest(Artifact):
    """What an evidence folder holds."""

    schema_: Literal["falaj.evidence/1"] = "falaj.evidence/1"
    environment: str
    created: str
    chain: ChainHead
    files: dict[str, EvidenceFile]
    open_points: dict[str, str] = {}
    """What already did not hold when the folder was signed: path -> what cannot be shown (`infra.audit.bindings`)."""


@dataclass(frozen=True)
class EvidenceFolder:
    """A finished evidence folder. `digest` names its content, `signed_by` is the fingerprint of the key."""

    path: Path
    manifest: Manifest
    digest: str
    signed_by: str

    def count(self) -> dict[str, int]:
        """Files per kind."""
        counts: dict[str, int] = {}
        for file in self.manifest.files.values():
            counts[file.kind] = counts.get(file.kind, 0) + 1
        return dict(sorted(counts.items()))


def collect(environment: str, now: str, destination: Path | None = None, *, policies: Path | None = None, releases: Path | None = None) -> EvidenceFolder:
    """Write the evidence of `environment` to `destination` (default: the environment's evidence folder).

    A folder that is there is replaced only once the new one is complete, and only if it is evidence. `releases` names a
    folder with the documents of each release version, `policies` the rules (default: those of the checkout).
    Raises UsageError when there is nothing to collect or `destination` is something else; Fault when the audit log is broken
    or no longer holds the head that was signed before.
    """
    target = destination or evidence_folder(environment)
    with lock(target.with_name(f".{target.name}.lock"), what="the evidence folder"):
        _recover(target)
        _refuse_other_folder(target)
        keep_applied(environment)
        rules = policies or ROOT / "policies"
        found = sources(environment, rules, keep_policies(environment, rules).name, releases)
        if not any(source.kind in ("plan", "decision", "apply", "run") for source in found):
            raise UsageError(
                f"there is nothing to collect in {environment}",
                given=environment,
                why="no plan, decision or run was made",
                next=f"falaj up --env {environment}",
            )
        head = _signable_head(environment, target)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as temporary:
            fresh = Path(temporary) / "evidence"
            folder = _write(fresh, environment, now, found, head)
            _swap(fresh, target)
    return EvidenceFolder(target, folder.manifest, folder.digest, folder.signed_by)


def open_evidence(path: Path) -> EvidenceFolder:
    """Read the manifest of a folder, without checking anything else. Raises UsageError when it is not an evidence folder."""
    try:
        text = (path / MANIFEST).read_bytes()
        manifest = Manifest.model_validate(json.loads(text))
        signed_by = fingerprint((path / PUBLIC_KEY).read_bytes())
    except (OSError, ValueError, UsageError) as problem:
        raise not_evidence(path) from problem
    return EvidenceFolder(path, manifest, digest_bytes(text), signed_by)


def not_evidence(path: Path) -> UsageError:
    """The error for a folder that is something else."""
    return UsageError(
        "this is not an evidence folder", given=str(path), allowed=f"a folder with {', '.join(sorted(ENVELOPE))}", next="falaj audit collect makes one"
    )


def _write(fresh: Path, environment: str, now: str, found: list[Source], head: chain.Head) -> EvidenceFolder:
    files: dict[str, EvidenceFile] = {}
    for source in found:
        data = source.read()
        refuse_private_keys(source, data)
        if source.kind == "audit log":
            data = _up_to(data, head)
        files[source.name] = _put(fresh / source.name, data, source.kind)
    key = signing_key()
    pem = public_pem(key)
    guide = GUIDE.format(environment=environment, created=now, fingerprint=fingerprint(pem)).encode()
    files[GUIDE_NAME] = _put(fresh / GUIDE_NAME, guide, "guide")
    manifest = Manifest(
        environment=environment,
        created=now,
        chain=ChainHead(entries=head.entries, digest=head.digest),
        files=dict(sorted(files.items())),
        open_points=open_points(fresh),
    )
    text = (json.dumps(manifest.to_json(), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    write_durably(fresh / MANIFEST, text)
    write_durably(fresh / SIGNATURE, key.sign(text))
    write_durably(fresh / PUBLIC_KEY, pem)
    return EvidenceFolder(fresh, manifest, digest_bytes(text), fingerprint(pem))


def _put(path: Path, data: bytes, kind: Kind) -> EvidenceFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_bytes(data)
    except OSError as problem:
        raise Fault(
            f"{path.name} could not be written: {problem.strerror}", why="the evidence that was there is untouched", next="free some disk space"
        ) from problem
    return EvidenceFile(digest=digest_bytes(data), bytes=len(data), kind=kind)


def _up_to(log: bytes, head: chain.Head) -> bytes:
    """The log as it was when its head was read: it may have grown since."""
    return b"".join(log.splitlines(keepends=True)[: head.entries])


def _signable_head(environment: str, target: Path) -> chain.Head:
    """The head to sign. Signing a broken or shortened log would make the damage look genuine."""
    log = chain.audit_log(environment)
    if log.exists():
        head, broken = chain.check(log, environment)
        if broken is not None and broken.why != chain.TORN:
            raise Fault(
                "the audit log is broken and will not be signed",
                given=f"{log}, line {broken.line}: {broken.why}",
                why="a signature over it would make the damage look genuine",
                next="runbooks/evidence_request.md, section 'The audit log is broken'",
            )
    else:
        head = chain.Head(0, chain.start(environment))
    if (target / MANIFEST).exists():
        before = open_evidence(target).manifest.chain
        if not _still_holds(log, environment, before):
            raise Fault(
                "the audit log no longer holds the entry that was signed last",
                given=f"{log}: entry {before.entries} should be {before.digest}",
                why="it was cut or written anew since the evidence was made",
                next="runbooks/evidence_request.md, section 'The audit log is broken'",
            )
    return head


def _still_holds(log: Path, environment: str, before: ChainHead) -> bool:
    return before.entries == 0 or chain.holds_head(log, environment, chain.Head(before.entries, before.digest))


def _refuse_other_folder(target: Path) -> None:
    if target.exists() and any(target.iterdir()) and not (target / MANIFEST).exists():
        raise UsageError(
            "the destination is not an evidence folder and will not be replaced", given=str(target), allowed="an evidence folder, or a name that is free"
        )


def _kept(target: Path) -> Path:
    return target.with_name(f".{target.name}.before")


def _swap(fresh: Path, target: Path) -> None:
    if target.exists():
        os.rename(target, _kept(target))
    os.rename(fresh, target)
    shutil.rmtree(_kept(target), ignore_errors=True)


def _recover(target: Path) -> None:
    """Finish what a crash interrupted: half-made folders go, and the old one comes back unless the new one is in place."""
    for left in target.parent.glob(f".{target.name}.*"):
        if left.is_dir() and left != _kept(target):
            shutil.rmtree(left)
    if _kept(target).exists():
        if target.exists():
            shutil.rmtree(_kept(target))
        else:
            os.rename(_kept(target), target)
