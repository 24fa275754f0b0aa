"""A folder for conftest: policies, data, and an entry that says in its words (deny, warn) what the gate would decide."""

from __future__ import annotations

from pathlib import Path

from falaj.files import write_durably, write_json
from infra.pipeline.library import Library
from infra.policy_build.decision import data, modules

_MAIN = """package main

import rego.v1

# A plan as the gate writes it may be given as it is; other documents say what they are. The clock is read only where nobody gives the time.
document := {"plan": input} if {
	is_string(input.schema_)
} else := input

asked := object.union({"now": time.format([time.now_ns(), "UTC", "RFC3339"])}, document)

decision := found if {
	found := data.falaj.decision.decision with input as asked
}

deny contains {"msg": fault, "rule": "", "subject": "", "what": "fault", "why": fault} if {
	some fault in decision.faults
}

deny contains told(id, subject, "fail", why) if {
	some id, rule in decision.rules
	rule.binding
	some subject, words in rule.fail
	some why in words
}

# What cannot be told is refused, as the gate refuses it: nobody asks again here.
deny contains told(id, subject, "unknown", why) if {
	some id, rule in decision.rules
	rule.binding
	some subject, words in rule.unknown
	some why in words
}

warn contains told(id, subject, what, why) if {
	some id, rule in decision.rules
	not rule.binding
	some what in ["fail", "unknown"]
	some subject, words in rule[what]
	some why in words
}

# Without a decision nothing is let through.
deny contains {"msg": "the rules gave no decision", "rule": "", "subject": "", "what": "fault", "why": "no decision"} if not decision.verdict

told(id, subject, what, why) := {
	"msg": sprintf("%v: %v: %v", [id, subject, why]),
	"rule": id,
	"subject": subject,
	"what": what,
	"why": why,
	"severity": rules[id].severity,
	"remediation": rules[id].remediation,
}

rules[id] := rule if {
	some _, of_kind in data.falaj.built.rules
	some id, rule in of_kind
}
"""
_README = """# Falaj's rules for conftest

Parameters of environment `{environment}`; policies {digest}.

    conftest test plan.json --policy policy --data data

`plan.json` is the file that `falaj plan` writes (or an object with it in `plan`). Other documents come as objects that say what they are:
`{{"candidate": ..., "observed": ...}}`, `{{"repository": ...}}`, `{{"evidence": ...}}`. A time to judge by (`now`, as 2026-01-31T12:00:00Z) and other
`parameters` may stand beside them; else it is the clock's and the environment's.

Failures of rules in force and everything that cannot be told are `deny`, so are faults; what is advisory is `warn`. Not known here, unlike in `falaj gate`:
waivers, deferral to `up`, checkov's findings, the schemas of documents. conftest takes a list for several documents, and an empty one for none.
"""


def write(library: Library, environment: str, out: Path) -> list[Path]:
    """Write policy/, data/ and README.md, which has the command; the paths, sorted. Equal input gives equal bytes.

    Raises UsageError for an environment without parameters.
    """
    written = [out / "README.md", out / "data" / "data.json"]
    write_durably(written[0], _README.format(environment=environment, digest=library.digest).encode())
    write_json(written[1], data(library, environment))
    for name, text in {**modules(library), "main.rego": _MAIN}.items():
        path = out / "policy" / name
        write_durably(path, text.encode())
        written.append(path)
    return sorted(written)
