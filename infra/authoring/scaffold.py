"""A new rule's folder: five files that are whole and green, to be changed into the rule one means."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from falaj.files import write_durably, write_json
from infra.pipeline.library import Library

_TYPE = re.compile(r"^[a-z][a-z0-9-]*:[A-Za-z0-9./-]+:[A-Za-z0-9]+$")


@dataclass(frozen=True)
class Wanted:
    """What the author says of a new plan rule; `property` is the top-level input that it asks about."""

    id: str
    title: str
    check: str
    type: str
    property: str
    day: str
    severity: str = "medium"


def scaffold(library: Library, wanted: Wanted) -> list[Path]:
    """Write the five files of a plan rule that asks whether `property` is true. Returns their paths.

    Raises UsageError for an id that is taken or no snake_case, a check or a type that cannot be one.
    """
    _refuse(library, wanted)
    folder = library.folder / "plan" / wanted.id
    folder.mkdir(parents=True)
    written = [_write(folder / f"{wanted.id}.rego", _RULE, wanted), _write(folder / f"{wanted.id}_test.rego", _TEST, wanted)]
    urn = f"urn:pulumi:prod::app::{wanted.type}::one"
    for verdict, value in (("allowed", True), ("denied", False), ("unknown", {"__falaj__": "unknown"})):
        path = folder / f"{verdict}.json"
        write_json(path, [_sample(wanted, urn, verdict, value)])
        # One value per line, as the other samples are: they are read in reviews.
        path.write_text(json.dumps(json.loads(path.read_text()), indent=1) + "\n", encoding="utf-8")
        written.append(path)
    return written


def _refuse(library: Library, wanted: Wanted) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", wanted.id):
        raise UsageError("a rule's id is words in snake_case", given=wanted.id, allowed="two words at least, such as bucket_encrypted")
    if wanted.id in {rule.id for rule in library.rules}:
        raise UsageError(f"there is a rule {wanted.id} already", given=wanted.id, allowed="an id of its own", next=f"falaj policy explain {wanted.id}")
    if not re.fullmatch(r"C[0-3][0-9]", wanted.check):
        raise UsageError("there is no such check", given=wanted.check, allowed="C01 to C36", next="docs/policies/README.md lists the checks with their rules")
    if not _TYPE.match(wanted.type):
        raise UsageError("this is no resource type", given=wanted.type, allowed="a type as a plan has it, such as aws:s3/bucket:Bucket")
    if not re.fullmatch(r"[a-z][A-Za-z0-9]*", wanted.property):
        raise UsageError("this is no property", given=wanted.property, allowed="a top-level input in camelCase, as in plan.json")
    if not wanted.title[:1].isupper():
        raise UsageError("a title is a sentence about what holds", given=wanted.title, allowed="A bucket is encrypted with a key of ours")


def _write(path: Path, template: str, wanted: Wanted) -> Path:
    text = template
    for name in ("id", "title", "check", "type", "property", "day", "severity"):
        text = text.replace(f"<{name}>", getattr(wanted, name))
    write_durably(path, text.encode())
    return path


def _sample(wanted: Wanted, urn: str, verdict: str, value: Any) -> dict[str, Any]:
    resource = {"urn": urn, "type": wanted.type, "name": "one", "op": "create", "custom": True, "inputs": {wanted.property: value}}
    return {
        "case": {"allowed": "it is on", "denied": "it is off", "unknown": "nobody knows yet"}[verdict],
        "resources": [resource],
        "expect": {
            "judged": [urn],
            "fail": {urn: [f"{wanted.property} is not on"]} if verdict == "denied" else {},
            "unknown": {urn: [f"{wanted.property} is not known before an apply"]} if verdict == "unknown" else {},
        },
    }


_RULE = """# METADATA
# title: <title>
# description: Why this matters, in a sentence or two.
# custom:
#   check: <check>
#   severity: <severity>
#   level: advisory
#   unknown: deny
#   subjects: ["<type>"]
#   evidence: the plan and its decision
#   since: "<day>"
#   effective_on: "<day>"
#   controls: {}
#   remediation: Set <property>.
#   runbook: gate_denied
package falaj.plan.<id>

import rego.v1

import data.falaj.lib.plan

judged contains one.urn if some one in subjects

fail[one.urn] contains "<property> is not on" if {
	some one in subjects
	value := plan.at(one.inputs, ["<property>"])
	plan.fact(value, value == true) == "broken"
}

unknown[one.urn] contains "<property> is not known before an apply" if {
	some one in subjects
	plan.hidden(plan.at(one.inputs, ["<property>"]))
}

subjects := plan.of_type("<type>")
"""
_TEST = """package falaj.plan.<id>_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.<id> as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

one := given.urn("<type>", "one")

test_allowed_it_is_on if {
	answer == {
		"judged": {one},
		"fail": {},
		"unknown": {},
	} with input as given.plan([given.resource("<type>", "one", {"<property>": true})])
}

test_denied_it_is_off if {
	answer == {
		"judged": {one},
		"fail": {one: {"<property> is not on"}},
		"unknown": {},
	} with input as given.plan([given.resource("<type>", "one", {"<property>": false})])
}

test_unknown_nobody_knows_yet if {
	answer == {
		"judged": {one},
		"fail": {},
		"unknown": {one: {"<property> is not known before an apply"}},
	} with input as given.plan([given.resource("<type>", "one", {"<property>": given.unknown})])
}
"""
