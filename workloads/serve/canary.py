"""Who is answered by which release: a signed document gives a second one a share of the traffic, or a shadow, or stops all.

`traffic.json` lies beside the pointer in the releases store. It is signed with the key that signs releases, and carries a
serial that only grows, so that nobody who can merely write to the store can send traffic elsewhere or lift a stop.
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from falaj.canonical import NoJson, canonical
from falaj.errors import UsageError
from workloads.release import NotTrusted, public_half
from workloads.store import Store

SCHEMA = "falaj.traffic/1"
TRAFFIC = "traffic.json"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_FIELDS = {"schema", "serial", "stop", "canary", "shadow", "sticky", "signature"}

Sticky = Literal["client", "request"]


@dataclass(frozen=True)
class Part:
    """A release that takes part beside the current one."""

    version: str
    digest: str
    share: float
    """Of the traffic, over 0 and up to 1."""


@dataclass(frozen=True)
class Traffic:
    """What the document says; without one all traffic is the current release's."""

    serial: int = 0
    stop: str | None = None
    """Why nothing is answered."""
    canary: Part | None = None
    """Answers its share in place of the current release."""
    shadow: Part | None = None
    """Is asked its share as well; its answers are compared and thrown away."""
    sticky: Sticky = "client"
    """Whether one client always meets the same side, or each request is drawn anew."""

    def takes_canary(self, key: str) -> bool:
        """Whether the client or request called `key` is the canary's; the same for the same key as long as the canary stays."""
        return self.canary is not None and _point(f"canary\0{self.canary.digest}\0{key}") < self.canary.share

    def takes_shadow(self, key: str) -> bool:
        """Whether the shadow is asked as well; drawn apart from the canary."""
        return self.shadow is not None and _point(f"shadow\0{self.shadow.digest}\0{key}") < self.shadow.share


def _point(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:7], "big") / (1 << 56)


def signed(traffic: Traffic, private: Path) -> dict[str, Any]:
    """The document of `traffic`, signed with a release key (P-256, PEM)."""
    document = {
        "schema": SCHEMA,
        "serial": traffic.serial,
        "stop": traffic.stop,
        "sticky": traffic.sticky,
        **{name: _row(part) for name, part in (("canary", traffic.canary), ("shadow", traffic.shadow))},
    }
    _parsed(document)
    key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UsageError("the release key is of another kind", given=str(private), allowed="a P-256 private key in PEM")
    signature = key.sign(_message(document), ec.ECDSA(hashes.SHA256()))
    return {**document, "signature": base64.b64encode(signature).decode()}


def _row(part: Part | None) -> dict[str, Any] | None:
    return None if part is None else {"version": part.version, "digest": part.digest, "share": part.share}


def _message(document: dict[str, Any]) -> bytes:
    return SCHEMA.encode() + b"\n" + canonical({name: value for name, value in document.items() if name != "signature"})


def verified(document: Any, trusted: bytes) -> Traffic:
    """What a document says, if the holder of the key `trusted` (public, PEM) signed it. Raises NotTrusted."""
    try:
        key = serialization.load_pem_public_key(trusted)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ValueError("the trusted key is no P-256 key")
        key.verify(base64.b64decode(document["signature"], validate=True), _message(document), ec.ECDSA(hashes.SHA256()))
        return _parsed(document)
    except (InvalidSignature, NoJson, KeyError, TypeError, ValueError, AttributeError, RecursionError, UsageError) as problem:
        raise NotTrusted(
            f"{TRAFFIC} is refused",
            given=f"{type(problem).__name__}: {problem}".rstrip(": "),
            allowed=f"a {SCHEMA} document signed with the release key",
            why="who answers whom is decided by who may release",
            next="write it with falaj traffic",
        ) from problem


def _parsed(document: dict[str, Any]) -> Traffic:
    if document.get("schema") != SCHEMA or set(document) - _FIELDS:
        raise UsageError("this is no traffic document", given=str(document.get("schema")), allowed=SCHEMA)
    serial, stop, sticky = document.get("serial"), document.get("stop"), document.get("sticky")
    if type(serial) is not int or serial < 0:
        raise UsageError("the serial is no whole number", given=repr(serial))
    if not (stop is None or (isinstance(stop, str) and stop.strip() and len(stop) <= 500)):
        raise UsageError("a stop needs a reason", allowed="1 to 500 characters")
    if sticky not in ("client", "request"):
        raise UsageError("sticky is neither", given=repr(sticky), allowed="client, request")
    return Traffic(serial, stop, _part(document.get("canary")), _part(document.get("shadow")), sticky)


def _part(row: Any) -> Part | None:
    if row is None:
        return None
    share = row["share"]
    if not isinstance(row["version"], str) or not _DIGEST.fullmatch(row["digest"]):
        raise UsageError("a release is named by version and digest", given=str(row)[:200])
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share <= 1:
        raise UsageError("a share is out of range", given=str(share), allowed="over 0, up to 1")
    return Part(row["version"], row["digest"], float(share))


def change(store: Store, private: Path, edit: Callable[[Traffic], Traffic]) -> Traffic:
    """Replace the document by what `edit` makes of it, with the next serial. Raises NotTrusted when it is not ours, Conflict when it changed meanwhile."""
    before = store.read_document(TRAFFIC)
    now = Traffic() if before.value is None else verified(before.value, public_half(private))
    after = replace(edit(now), serial=now.serial + 1)
    store.replace_document(TRAFFIC, signed(after, private), expect=before.tag)
    return after


class Agreement:
    """How alike the shadow's answers are to those that were given; counts alone, no text. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compared = self._same = self._failed = 0
        self._prefix = 0.0

    def add(self, given: Sequence[int], shadow: Sequence[int]) -> None:
        """Count one pair of answers by their token ids."""
        common = next((index for index, (one, other) in enumerate(zip(given, shadow, strict=False)) if one != other), min(len(given), len(shadow)))
        longest = max(len(given), len(shadow))
        with self._lock:
            self._compared += 1
            self._same += list(given) == list(shadow)
            self._prefix += common / longest if longest else 1.0

    def fail(self) -> None:
        """Count a shadow that gave no answer."""
        with self._lock:
            self._failed += 1

    def snapshot(self) -> dict[str, float]:
        """compared and failed (counts), same (share of equal answers) and prefix (mean share of tokens before the first difference)."""
        with self._lock:
            pairs = max(1, self._compared)
            return {"compared": self._compared, "failed": self._failed, "same": self._same / pairs, "prefix": self._prefix / pairs}
