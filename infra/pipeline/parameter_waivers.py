"""Waivers of parameters: one environment has one parameter looser than all of them, for a while, by two people who sign.

Such a waiver names the parameter and the exact value. The terms are those of common.json, which no environment can loosen for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.artifacts import WaiverUse
from infra.pipeline.waivers import RESIDENCY, Found, approvers, as_used, doubt, read_all

SCHEMA = "falaj.parameter_waiver/1"
_KEEPS_DATA_HERE = ("allowed_regions", "global_services")
"""Parameters that keep data in the country: who loosens one says what leaves, as with the rules of that check."""


def of_parameter(waiver: Mapping[str, Any], parameter: str, value: Any) -> dict[str, Any]:
    """`waiver` (a template) as one of `parameter`, which may have `value`, instead of a rule and a resource."""
    others = {key: part for key, part in waiver.items() if key not in ("rule", "resource")}
    return {**others, "schema": SCHEMA, "parameter": parameter, "value": value}


def check_of(parameter: str) -> str:
    """The check that a parameter bears on, where a waiver of it must say more; empty for any other."""
    return RESIDENCY if parameter.split(".")[0] in _KEEPS_DATA_HERE else ""


def excused(policies: Path, environment: str, loosened: Mapping[str, Any], terms: Mapping[str, Any], now: str) -> tuple[set[str], dict[str, str]]:
    """Which of `loosened` (parameter -> value) a waiver excuses at `now`, and of the others what is wrong with the waiver that names each.

    `terms` are the parameters in common.json. Raises UsageError when the list of approvers is wrong.
    """
    held, wrong = set(), {}
    for one in uses(policies, environment, loosened, terms, now):
        if one.state == "used":
            held.add(one.parameter)
        elif one.state == "refused" and one.parameter in loosened:
            wrong[one.parameter] = f"waiver {one.id}: {one.why}"
    return held, {parameter: why for parameter, why in wrong.items() if parameter not in held}


def uses(policies: Path, environment: str, loosened: Mapping[str, Any], terms: Mapping[str, Any], now: str) -> list[WaiverUse]:
    """What becomes of each waiver of a parameter of `environment` at `now`, as a decision lists it."""
    known = approvers(policies)
    found = [one for one in read_all(policies) if not one.wrong and "parameter" in one.document and one.document["environment"] == environment]
    return [as_used(one, *_state(one, known, loosened, terms, now)) for one in found]


def _state(found: Found, known: Any, loosened: Mapping[str, Any], terms: Mapping[str, Any], now: str) -> tuple[str, str]:
    document = found.document
    parameter, value = document["parameter"], document["value"]
    if why := doubt(document, known, terms, now, check=check_of(parameter)) or _other_copy(document, terms):
        return "refused", why
    if parameter not in loosened:
        return "unused", "this parameter is not looser here"
    if loosened[parameter] != value:
        return "refused", f"it is for {value!r}, and the environment says {loosened[parameter]!r}"
    return "used", ""


def _other_copy(document: Mapping[str, Any], terms: Mapping[str, Any]) -> str:
    """Which region is let in beside the one that a residency waiver speaks of; empty where none is."""
    if document["parameter"] != "allowed_regions":
        return ""
    value, copy = document["value"], document["residency"]["copy_region"]
    others = [region for region in value if region not in (*terms["allowed_regions"], copy)] if isinstance(value, list) else [value]
    return f"it speaks of a copy in {copy}, the parameter also allows {others[0]}" if others else ""
