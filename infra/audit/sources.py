"""What goes into an evidence folder, and under which name.

Documents only: what was planned, decided, done and measured. Models and data rows stay where they are; the documents name
them by digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from falaj.canonical import canonical, digest_bytes, manifest
from falaj.errors import Fault
from falaj.home import environment_folder, runs_folder, volume_folder
from infra.audit.chain import audit_log

Kind = Literal[
    "plan",
    "decision",
    "parameters",
    "apply",
    "run",
    "evaluation",
    "data",
    "release",
    "drift",
    "waiver",
    "policy",
    "repository",
    "document",
    "audit log",
    "guide",
]

_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\\[rn]|\s)+[A-Za-z0-9+/=]{40}")
"""A key, not just a word about keys: rules that look for them name the first line too."""
_JUDGED_STAGES = ("prepare", "train", "compress", "evaluate")
_LIMIT_BYTES = 4 << 20
"""Larger files under a run are content, not documents."""
_DOCUMENTS = frozenset({".json", ".md", ".yaml", ".sig", ".pem", ".dvc"})
_CONTENT = frozenset({"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json", "generation_config.json"})
_BY_NAME: dict[str, Kind] = {
    "plan.json": "plan",
    "decision.json": "decision",
    "parameters.json": "parameters",
    "observed.json": "parameters",
    "apply.json": "apply",
    "run.json": "run",
    "candidate.json": "evaluation",
    "release.json": "release",
    "current.json": "release",
    "facts.json": "repository",
    "documents.json": "document",
    "residency.json": "document",
}


@dataclass(frozen=True)
class Source:
    """One file to copy: its place in the evidence folder, where it is now, and what it is. `made` is content that has no file yet."""

    name: str
    path: Path
    kind: Kind
    made: bytes | None = None

    def read(self) -> bytes:
        return self.path.read_bytes() if self.made is None else self.made


def sources(environment: str, policies: Path, today: str, releases: Path | None) -> list[Source]:
    """Everything that belongs into the evidence of an environment, sorted by name.

    `today` is the digest of `policies`, in hexadecimal digits. `releases` is a folder with one folder of documents per release
    version, where the caller has fetched them.
    """
    found = [
        *_plans(environment),
        *_runs(environment),
        *_releases(releases or environment_folder(environment) / "releases"),
        *_drift(environment),
        *_policies(policies),
    ]
    found += _earlier_policies(environment, found, today)
    if audit_log(environment).exists():
        found.append(Source("audit.jsonl", audit_log(environment), "audit log"))
    return sorted(found, key=lambda source: source.name)


def refuse_private_keys(source: Source, data: bytes) -> None:
    """Raise Fault when a private key would go into a folder that is made to be handed out."""
    if _PRIVATE_KEY.search(data):
        raise Fault(
            "a private key was about to be put into the evidence",
            given=str(source.path),
            why="evidence is handed to auditors; a key in it is a key lost",
            next="remove the key from that file and replace the key: it may have been seen",
        )


def _plans(environment: str) -> Iterator[Source]:
    """Of our stacks, of users' own programs that were judged for this environment, and of the repository and documents that were."""
    top = environment_folder(environment)
    for pattern in ("stacks/*/*.json", "stacks/*/applied/*/*.json", "programs/*/*.json", "judged/*/*.json"):
        for path in sorted(top.glob(pattern)):
            if path.name in _BY_NAME:
                yield Source(path.relative_to(top).as_posix(), path, _BY_NAME[path.name])


def _runs(environment: str) -> Iterator[Source]:
    top = runs_folder(environment)
    for pattern in ("*/*", "*/*/*"):
        for path in sorted(top.glob(pattern)):
            if path.name == "eval.json":
                yield _without_examples(f"runs/{path.parent.relative_to(top).as_posix()}", path)
            elif _is_document(path):
                yield Source(f"runs/{path.relative_to(top).as_posix()}", path, _kind_in_run(path))
    for path in sorted(top.glob("*/decision.json")):
        if not path.with_name("observed.json").exists():
            yield _observed(path.parent)


def _without_examples(folder: str, path: Path) -> Source:
    """The evaluation without its example rows: a user's data may be in them. The digest of the whole file says which it was."""
    whole = path.read_bytes()
    try:
        report = json.loads(whole)
    except ValueError:
        report = {}
    kept = {key: value for key, value in report.items() if key != "examples"} if isinstance(report, dict) else {}
    return Source(f"{folder}/eval_without_examples.json", path, "evaluation", canonical({"whole_file": digest_bytes(whole), **kept}) + b"\n")


def _observed(run: Path) -> Source:
    """What the gate saw of a run's files, taken anew: with it the release decision can be made again far from the models."""
    seen = {f"{stage}/{name}": found for stage in _JUDGED_STAGES for name, found in manifest(run / stage).items()}
    return Source(f"runs/{run.name}/observed.json", run, "parameters", canonical(seen) + b"\n")


def _kind_in_run(path: Path) -> Kind:
    if path.parent.name == "register" and path.name != "manifest.json":
        return "release"
    if path.name in _BY_NAME:
        return _BY_NAME[path.name]
    if path.parent.name == "prepare" and path.name != "manifest.json":
        return "data"
    return "run"


def _releases(top: Path) -> Iterator[Source]:
    for path in sorted([*top.glob("*"), *top.glob("*/*")]):
        if _is_document(path):
            yield Source(f"releases/{path.relative_to(top).as_posix()}", path, "release")


def _drift(environment: str) -> Iterator[Source]:
    top = volume_folder(environment, "inference", "requests") / "drift"
    for path in sorted(top.rglob("*.json")):
        if _is_document(path):
            yield Source(f"drift/{path.relative_to(top).as_posix()}", path, "drift")
    for path in sorted((environment_folder(environment) / "drift" / "infrastructure").glob("*.json")):
        if _is_document(path):
            yield Source(f"drift/infrastructure/{path.name}", path, "drift")


def _policies(policies: Path) -> Iterator[Source]:
    for path in sorted(policies.rglob("*")):
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(policies).as_posix()
            yield Source(f"policies/{name}", path, "waiver" if name.startswith("waivers/") else "policy")


def _earlier_policies(environment: str, found: list[Source], today: str) -> Iterator[Source]:
    """The rules of earlier days that a collected decision names, where they were kept; today's are in `policies`."""
    top = environment_folder(environment) / "policies"
    named = {_policy_digest(source) for source in found if source.kind == "decision"}
    for digest in sorted(named - {today, ""}):
        for path in sorted((top / digest).rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield Source(f"earlier_policies/{digest}/{path.relative_to(top / digest).as_posix()}", path, "policy")


def _policy_digest(source: Source) -> str:
    """The hexadecimal digits of the policy digest in a decision; empty where it has none."""
    try:
        value = json.loads(source.read())
    except ValueError:
        return ""
    digest = value.get("policy_digest") if isinstance(value, dict) else None
    return digest.removeprefix("sha256:") if isinstance(digest, str) and re.fullmatch(r"sha256:[0-9a-f]{64}", digest) else ""


def _is_document(path: Path) -> bool:
    return (
        path.is_file()
        and not path.is_symlink()
        and not path.name.startswith(".")
        and path.suffix in _DOCUMENTS
        and path.name not in _CONTENT
        and path.stat().st_size <= _LIMIT_BYTES
    )
