"""People who may sign, and a policies folder of their own, for the tests of waivers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from falaj.files import write_json
from falaj.home import ROOT
from falaj.signing import public_pem
from infra.pipeline.waivers import sign, template

MAY = {"ada": ["waive"], "bilal": ["waive", "waive-residency"], "carol": ["waive"]}
RESIDENCY = {"lost_region": "me-central-1", "copy_region": "eu-central-1", "key_region": "me-central-1", "data_classes": ["personal"]}
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    """A policies folder and the private keys of those whom it lets approve."""

    policies: Path
    keys: dict[str, Ed25519PrivateKey]

    def signed(self, document: dict[str, Any], *names: str) -> dict[str, Any]:
        for name in names:
            document = sign(document, name, self.keys[name])
        return document

    def put(self, document: Any, name: str | None = None) -> Path:
        path = self.policies / "waivers" / (name or f"{document['id']}.json")
        write_json(path, document)
        return path


def desk(policies: Path) -> Desk:
    """`policies` with the schemas of ours (where it has none), three approvers and no waiver; mallory has a key that nobody lists."""
    if not (policies / "schemas").exists():
        shutil.copytree(ROOT / "policies" / "schemas", policies / "schemas")
    keys = {name: Ed25519PrivateKey.generate() for name in (*MAY, "mallory")}
    write_json(policies / "approvers.json", {name: {"key": public_pem(keys[name]).decode(), "may": may} for name, may in MAY.items()})
    shutil.rmtree(policies / "waivers", ignore_errors=True)
    (policies / "waivers").mkdir()
    return Desk(policies, keys)


def waiver(rule: str, resource: str, /, *, days: int = 30, residency: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """An unsigned waiver of prod, in force from the first of January 2026."""
    words = {"id": "w1", "owner": "ml-platform", "reason": "the supplier changes it in March", "control": "read access for nobody"}
    return template(rule, resource, "prod", **words, now=BEGIN, days=days, residency=residency) | changes
