"""Waivers: a rule's failure for one resource is excused for a while, by two people who sign, neither of whom answers for it.

A waiver that is not right in every respect is refused by name and excuses nothing. Only failures are excused: what is unknown stays unknown.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from falaj.canonical import canonical, digest, digest_bytes
from falaj.errors import UsageError
from falaj.files import read_json, said_once
from falaj.signing import fingerprint, public_pem, verifies
from infra.artifacts import RuleResult, WaiverUse
from infra.pipeline.schema import problems

SCHEMA = "falaj.waiver/1"
RESIDENCY = "C01"
"""Check of the rules that keep data in the country: their waivers say what leaves, and where to."""
_SIGNATURES = 2
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Approver:
    """Somebody who may sign: `key` is the public key in PEM, `may` holds `waive`, `waive-residency` or both."""

    name: str
    key: bytes
    may: frozenset[str]


@dataclass(frozen=True)
class Found:
    """One file of the waivers folder: its document, or why it is none."""

    file: str
    document: dict[str, Any]
    wrong: str = ""


def approvers(policies: Path) -> dict[str, Approver]:
    """Who may sign, by name: approvers.json beside the rules; nobody where there is none. Raises UsageError for a file that is not of its schema."""
    path = policies / "approvers.json"
    if not path.exists():
        return {}
    named = read_json(path, what="list of approvers", next="restore it from git", by_hand=True)
    wrong = problems(named, _schema(policies, "approvers"))
    if wrong:
        raise UsageError("the list of approvers is wrong", given=str(path), allowed="policies/schemas/approvers.schema.json", why="; ".join(wrong))
    found = {name: Approver(name, one["key"].encode(), frozenset(one["may"])) for name, one in named.items()}
    for one in found.values():
        try:
            fingerprint(one.key)
        except ValueError as problem:
            raise UsageError(f"the key of approver {one.name} is none", given=str(path), allowed="an Ed25519 public key in PEM") from problem
    return found


def read_all(policies: Path) -> list[Found]:
    """Every file of `policies`/waivers but the README, by name; what cannot be read is there with the reason."""
    return [_read(policies, name, data) for name, data in _files(policies).items()]


def digest_of(policies: Path) -> str:
    """Names all waivers there are and who may sign them; a decision is bound to it."""
    return _digest(policies, _files(policies))


def template(
    rule: str,
    resource: str,
    environment: str,
    *,
    id: str,
    owner: str,
    reason: str,
    control: str,
    now: datetime,
    days: int,
    residency: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A waiver that nobody has signed yet, in force from `now` for `days` days."""
    body = {
        "schema": SCHEMA,
        "id": id,
        "rule": rule,
        "resource": resource,
        "environment": environment,
        "owner": owner,
        "reason": reason,
        "control": control,
        "created": now.astimezone(UTC).strftime(_MOMENT),
        "expires": (now.astimezone(UTC) + timedelta(days=days)).strftime(_MOMENT),
        "approvals": [],
    }
    return body | ({"residency": dict(residency)} if residency else {})


def sign(document: Mapping[str, Any], approver: str, private: Ed25519PrivateKey) -> dict[str, Any]:
    """`document` with the approval of `approver`, in place of an earlier one of that name."""
    approval = {
        "approver": approver,
        "key": fingerprint(public_pem(private)),
        "signature": base64.b64encode(private.sign(signed_part(document))).decode(),
    }
    others = [one for one in document["approvals"] if one["approver"] != approver]
    return {**document, "approvals": [*others, approval]}


def signed_part(document: Mapping[str, Any]) -> bytes:
    """What an approval signs: canonical JSON of all but the approvals."""
    return canonical({key: value for key, value in document.items() if key != "approvals"})


def doubt(document: Mapping[str, Any], known: Mapping[str, Approver], parameters: Mapping[str, Any], now: str, *, check: str = "") -> str:
    """Why a waiver of the right schema does not hold at `now` (RFC 3339), in words; empty where it does. `check` is that of its rule."""
    return refused_by_terms(document, parameters, now, check=check) or _not_approved(document, known, residency=_leaves(document, check))


def leaving(policies: Path, environment: str, parameters: Mapping[str, Any], now: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every waiver of `environment` that lets data leave the country, and why it does not hold at `now`; empty where it does."""
    known = approvers(policies)
    for found in read_all(policies):
        if not found.wrong and found.document.get("environment") == environment and found.document.get("residency"):
            yield found.document, doubt(found.document, known, parameters, now)


def refused_by_terms(document: Mapping[str, Any], parameters: Mapping[str, Any], now: str, *, check: str = "") -> str:
    """As `doubt`, whoever signs: what is wrong with its time, and with what leaves the country."""
    limits = parameters.get("waivers", {})
    wrong = _out_of_time(document, now, limits.get("maximum_days", 0))
    return wrong or (_not_residency(document, parameters, limits.get("residency_days", 0)) if _leaves(document, check) else "")


def misshapen(policies: Path, document: Any) -> str:
    """Why `document` is neither a waiver of a rule nor one of a parameter, in words; empty where it is."""
    if not isinstance(document, dict):
        return "it is not a JSON object"
    return "; ".join(problems(document, _schema(policies, "parameter_waiver" if "parameter" in document else "waiver")))


def use(
    policies: Path, environment: str, results: Sequence[RuleResult], now: str, parameters: Mapping[str, Any]
) -> tuple[list[RuleResult], list[WaiverUse], str]:
    """`results` with `waived` filled, what became of each waiver of a rule in `environment` (and of each file that is none), and the digest of all.

    Raises UsageError when the list of approvers is wrong.
    """
    files = _files(policies)
    known = approvers(policies)
    by_rule = {result.rule: result for result in results}
    waived: dict[str, dict[str, str]] = {}
    uses = []
    for found in (_read(policies, name, data) for name, data in files.items()):
        document = found.document
        if not found.wrong and (document["environment"] != environment or "parameter" in document):
            continue
        result = by_rule.get(document.get("rule", "")) if not found.wrong else None
        state, why = "refused", found.wrong or doubt(document, known, parameters, now, check=result.check if result else "")
        if not why and (result is None or document["resource"] not in result.fail):
            state, why = "unused", "this rule does not fail this resource here"
        elif not why and result is not None and not (why := _elsewhere(document, result)):
            state = "used"
            waived.setdefault(result.rule, {})[document["resource"]] = document["id"]
        uses.append(as_used(found, state, why))
    filled = [result.model_copy(update={"waived": {**result.waived, **waived[result.rule]}}) if result.rule in waived else result for result in results]
    return filled, uses, _digest(policies, files)


def _leaves(document: Mapping[str, Any], check: str) -> bool:
    return check == RESIDENCY or "residency" in document


def _elsewhere(document: Mapping[str, Any], result: RuleResult) -> str:
    """Which failure is about something else than the copy that a residency waiver names; empty where none is."""
    if "residency" not in document:
        return ""
    region = re.compile(rf"(?<![a-z0-9-]){re.escape(document['residency']['copy_region'])}[a-z]?(?![a-z0-9-])")
    other = [why for why in result.fail[document["resource"]] if not region.search(why)]
    return f"it speaks of a copy in {document['residency']['copy_region']}, the failure does not: {other[0]}" if other else ""


def _out_of_time(document: Mapping[str, Any], now: str, days: int) -> str:
    try:
        created, expires = (datetime.strptime(document[key], _MOMENT).replace(tzinfo=UTC) for key in ("created", "expires"))
    except ValueError:
        return "its dates are none"
    present = datetime.fromisoformat(now)
    present = present if present.tzinfo else present.replace(tzinfo=UTC)
    if present >= expires:
        return f"it expired at {document['expires']}"
    if present < created:
        return f"it begins at {document['created']} only"
    return f"it runs longer than {days} days" if expires - created > timedelta(days=days) else ""


def _not_residency(document: Mapping[str, Any], parameters: Mapping[str, Any], days: int) -> str:
    said = document.get("residency")
    if said is None:
        return "its rule keeps data in the country, and it does not say what leaves and where to"
    allowed = parameters["allowed_regions"]
    if said["copy_region"] in allowed:
        return f"the copy's region {said['copy_region']} is an allowed one and needs no waiver"
    for key, words in (("lost_region", "the lost region"), ("key_region", "the region of the keys")):
        if said[key] not in allowed:
            return f"{words} {said[key]} is none of those allowed: {', '.join(allowed)}"
    odd = [name for name in said["data_classes"] if name not in parameters["data_classes"]]
    if odd:
        return f"there is no data class {odd[0]}"
    return _out_of_time(document, document["created"], days)


def _not_approved(document: Mapping[str, Any], known: Mapping[str, Approver], *, residency: bool) -> str:
    approvals = document["approvals"]
    if not approvals:
        return "nobody has signed it"
    for approval in approvals:
        if why := _not_signed(document, approval, known):
            return why
    names, keys = ({one[part] for one in approvals} for part in ("approver", "key"))
    if min(len(names), len(keys)) < _SIGNATURES:
        return "one person alone has approved it" if len(approvals) > 1 else "it has one approval and needs two"
    if residency and not any("waive-residency" in known[name].may for name in names):
        return "none of its approvers may let data leave the country"
    return ""


def _not_signed(document: Mapping[str, Any], approval: Mapping[str, str], known: Mapping[str, Approver]) -> str:
    name = approval["approver"]
    if name.strip().casefold() == document["owner"].strip().casefold():
        return f"its owner {document['owner']} approves it"
    one = known.get(name)
    if one is None:
        return f"{name} is not among the approvers"
    if "waive" not in one.may and "waive-residency" not in one.may:
        return f"{name} may not approve waivers"
    if fingerprint(one.key) != approval["key"]:
        return f"the key of {name} is another one"
    try:
        good = verifies(one.key, base64.b64decode(approval["signature"], validate=True), signed_part(document))
    except (binascii.Error, ValueError):
        good = False
    return "" if good else f"it is not what {name} has signed"


def _read(policies: Path, name: str, data: bytes) -> Found:
    try:
        document = json.loads(data, object_pairs_hook=said_once)
    except (ValueError, RecursionError) as problem:
        return Found(name, {}, "it says something twice" if "stands twice" in str(problem) else "it is not JSON")
    wrong = misshapen(policies, document)
    if not wrong and name != f"{document['id']}.json":
        wrong = f"its file is not called {document['id']}.json"
    return Found(name, document if isinstance(document, dict) else {}, wrong)


def as_used(found: Found, state: Any, why: str) -> WaiverUse:
    """The waiver in `found` as a decision lists it."""

    def words(key: str) -> str:
        value = found.document.get(key)
        return value if isinstance(value, str) else ""

    names = [one["approver"] for one in found.document["approvals"]] if not found.wrong else []
    parts = {key: words(key) for key in ("rule", "resource", "parameter", "owner", "reason", "control", "expires")}
    return WaiverUse(id=found.file.removesuffix(".json"), **parts, approvers=names, state=state, why=why)


def _files(policies: Path) -> dict[str, bytes]:
    folder = policies / "waivers"
    names = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()} if folder.is_dir() else {}
    return {name: path.read_bytes() for name, path in names.items() if name != "README.md" and not path.name.startswith(".")}


def _digest(policies: Path, files: Mapping[str, bytes]) -> str:
    listed = policies / "approvers.json"
    return digest({"approvers": digest_bytes(listed.read_bytes()) if listed.exists() else "", "waivers": {name: digest_bytes(files[name]) for name in files}})


def _schema(policies: Path, name: str) -> dict[str, Any]:
    return read_json(policies / "schemas" / f"{name}.schema.json", what=f"{name} schema", next="restore it from git")
