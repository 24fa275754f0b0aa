"""Check an evidence folder with nothing but the folder: no network, no account, none of the machines that made it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from falaj.canonical import digest_file
from falaj.errors import Exit, UsageError
from falaj.signing import fingerprint, verifies
from infra.audit import chain
from infra.audit.bindings import open_points
from infra.audit.evidence import ENVELOPE, MANIFEST, PUBLIC_KEY, SIGNATURE, Manifest, not_evidence
from infra.audit.rerun import Judge, Rerun, rerun

What = Literal["altered", "missing", "added", "signature", "key", "chain", "binding", "answer"]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was signed."""

    what: What
    path: str
    why: str


@dataclass(frozen=True)
class Verification:
    """What was found. `findings` are in the order to read them: the signature, files by path, the chain, bindings, answers."""

    environment: str | None
    created: str | None
    signed_by: str | None
    key_given: bool
    files: int
    entries: int
    findings: list[Finding] = field(default_factory=list)
    open_points: dict[str, str] = field(default_factory=dict)
    """Nothing was altered, but this could not be shown: path -> why."""
    decisions: list[Rerun] = field(default_factory=list)

    @property
    def first(self) -> Finding | None:
        """The first thing that was altered, missing or added."""
        return self.findings[0] if self.findings else None

    @property
    def exit_code(self) -> Exit:
        """3 when something was altered, 4 when something cannot be shown, else 0."""
        if self.findings:
            return Exit.DENIED
        return Exit.UNDECIDED if self.open_points else Exit.DONE

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "first": asdict(self.first) if self.first else None, "verdict": self.verdict}

    @property
    def verdict(self) -> str:
        """`genuine`, `incomplete` or `altered`."""
        return {Exit.DONE: "genuine", Exit.UNDECIDED: "incomplete"}.get(self.exit_code, "altered")


def verify(folder: Path, *, key: str | None = None, judge: Judge | None = None) -> Verification:
    """Check everything that can be checked in `folder`; changes nothing.

    `key` is the signer's public key, as a PEM file or a fingerprint, had from elsewhere. Recorded decisions are run again when
    a `judge` is given. Raises UsageError when `folder` is not evidence or `key` is not a key.
    """
    expected = _fingerprint_of(key) if key else None
    if not (folder / MANIFEST).is_file() or not ((folder / SIGNATURE).exists() or (folder / PUBLIC_KEY).exists()):
        raise not_evidence(folder)
    signer, findings = _signature(folder, expected)
    manifest = _manifest(folder)
    if manifest is None:
        findings.append(Finding("altered", MANIFEST, "it cannot be read as a manifest"))
        return Verification(None, None, signer, expected is not None, 0, 0, findings)
    findings += _files(folder, manifest)
    entries, broken = _chain(folder, manifest)
    findings += broken
    unbound = open_points(folder)
    findings += [Finding("binding", path, why) for path, why in unbound.items() if manifest.open_points.get(path) != why]
    decisions = rerun(folder, judge) if judge is not None and not findings else []
    findings += [Finding("answer", each.path, each.why) for each in decisions if each.outcome == "other answer"]
    points = {**{path: why for path, why in unbound.items() if path in manifest.open_points}, **_not_asked(decisions)}
    return Verification(
        environment=manifest.environment,
        created=manifest.created,
        signed_by=signer,
        key_given=expected is not None,
        files=len(manifest.files),
        entries=entries,
        findings=findings,
        open_points=dict(sorted(points.items())),
        decisions=decisions,
    )


def _fingerprint_of(key: str) -> str:
    if re.fullmatch(r"(sha256:)?[0-9a-fA-F]{64}", key):
        return "sha256:" + key.lower().removeprefix("sha256:")
    try:
        return fingerprint(Path(key).read_bytes())
    except (OSError, ValueError, UsageError) as problem:
        raise UsageError(
            "the key cannot be read", given=key, allowed="a PEM file with an Ed25519 public key, or its fingerprint (sha256:...)", next="ask the signer for it"
        ) from problem


def _signature(folder: Path, expected: str | None) -> tuple[str | None, list[Finding]]:
    """Who signed, and what is wrong with it. The bytes of the manifest are signed, not its meaning."""
    for name in (PUBLIC_KEY, SIGNATURE):
        if not _is_plain(folder / name):
            return None, [Finding("missing", name, "it was removed")]
    pem = (folder / PUBLIC_KEY).read_bytes()
    try:
        signer = fingerprint(pem)
    except (ValueError, UsageError):
        return None, [Finding("altered", PUBLIC_KEY, "it is not an Ed25519 public key")]
    if expected is not None and signer != expected:
        return signer, [Finding("key", PUBLIC_KEY, f"signed by {signer}, not by the key that was asked for, {expected}")]
    if not verifies(pem, (folder / SIGNATURE).read_bytes(), (folder / MANIFEST).read_bytes()):
        return signer, [Finding("signature", MANIFEST, "the signature does not fit: the manifest, the signature or the key was altered")]
    return signer, []


def _manifest(folder: Path) -> Manifest | None:
    try:
        return Manifest.model_validate(json.loads((folder / MANIFEST).read_bytes()))
    except ValueError:
        return None


def _files(folder: Path, manifest: Manifest) -> list[Finding]:
    """Every difference between the manifest and what is there, in path order."""
    present = _names(folder) - ENVELOPE
    findings = []
    for name in sorted(present | set(manifest.files)):
        path = folder / name
        if name not in manifest.files:
            findings.append(Finding("added", name, "the manifest does not list it"))
        elif name not in present:
            findings.append(Finding("missing", name, "the manifest lists it"))
        elif not _is_plain(path):
            findings.append(Finding("altered", name, "it is no longer a plain file"))
        elif digest_file(path) != manifest.files[name].digest:
            findings.append(Finding("altered", name, "its content does not fit its digest"))
    return findings


def _names(folder: Path) -> set[str]:
    """Everything in the folder that is not a folder, links included and not followed."""
    found = set()
    for top, folders, files in os.walk(folder):
        links = [name for name in folders if Path(top, name).is_symlink()]
        found |= {Path(top, name).relative_to(folder).as_posix() for name in (*files, *links)}
    return found


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _chain(folder: Path, manifest: Manifest) -> tuple[int, list[Finding]]:
    path = folder / "audit.jsonl"
    signed = chain.Head(manifest.chain.entries, manifest.chain.digest)
    if not _is_plain(path):
        head, broken = chain.Head(0, chain.start(manifest.environment)), None
    else:
        head, broken = chain.check(path, manifest.environment)
    if broken is not None:
        return head.entries, [Finding("chain", path.name, f"line {broken.line}: {broken.why}")]
    if head != signed:
        return head.entries, [Finding("chain", path.name, f"it ends with entry {head.entries}, signed were {signed.entries}")]
    return head.entries, []


def _not_asked(decisions: list[Rerun]) -> dict[str, str]:
    return {each.path: f"not run again: {each.why}" for each in decisions if each.outcome == "not re-run"}
