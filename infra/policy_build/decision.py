"""The gate's decision in Rego, for programs that have OPA and not Falaj: the library, the questions to all rules, and what their answers amount to.

What stays with the gate: waivers, deferral to `up`, the shapes of documents, and the binding of a decision to what was judged.
"""

from __future__ import annotations

from typing import Any

from infra.pipeline.asking import collectors
from infra.pipeline.library import KINDS, Library
from infra.pipeline.reviewed import reviewed

SUBJECT_OF = {"plan": "plan", "release": "candidate", "repository": "repository", "evidence": "evidence"}
"""Kind -> the part of the input by which it is told."""

_HEAD = """package falaj.decision

import rego.v1

# Asked with `input` as the gate asks, except that the parameters may be left out: those built in then hold.
asked := object.union(object.remove(input, ["parameters"]), {"parameters": object.get(input, "parameters", data.falaj.built.parameters)})

"""
_KIND = """
kinds contains "{kind}" if input.{subject}

answers contains answer if {{
	input.{subject}
	found := data.falaj.gate.{kind}.answers with input as asked
	some answer in found
}}
"""
_REST = """
rules := data.falaj.built.rules[kind] if {
	count(kinds) == 1
	some kind in kinds
}

said[answer.rule] := answer if {
	some answer in answers
	answer.rule
}

fault contains "the input holds no plan, candidate, repository or evidence, or several of them" if count(kinds) != 1

fault contains "the input does not say what time it is (now)" if not told_time

told_time if regex.match(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$`, input.now)

fault contains sprintf("rule %v gave no answer", [id]) if {
	some id, _ in rules
	not said[id]
}

fault contains sprintf("rule %v speaks of %v, which it did not judge", [id, subject]) if {
	some id, answer in said
	some subject in (object.keys(answer.fail) | object.keys(answer.unknown)) - {one | some one in answer.judged}
}

fault contains sprintf("rule %v did not judge %v, which it must", [id, subject]) if {
	some id, answer in said
	some subject in object.get(answer, "overlooked", [])
}

fault contains "no rule found anything to judge" if {
	count([1 | some answer in answers; count(object.get(answer, "judged", [])) > 0]) == 0
}

fault contains sprintf("the plan holds %v twice", [urn]) if {
	urns := [resource.urn | some resource in input.plan.resources]
	count(urns) != count({urn | some urn in urns})
	some urn in {urn | some urn in urns}
	count([1 | some other in urns; other == urn]) > 1
}

types contains type if {
	some answer in answers
	some type, _ in answer.types
}

fault contains sprintf("no rule knows type %v, and nobody has reviewed it", [type]) if {
	asked.parameters.unjudged_types == "deny"
	some type in types
	not data.falaj.built.types[type]
}

fault contains sprintf("type %v is known in another case", [type]) if {
	some type in types
	not data.falaj.built.types[type]
	lower(type) in {lower(known) | some known, _ in data.falaj.built.types}
}

fault contains sprintf("%v is no resource type", [type]) if {
	some type in types
	not regex.match(`^[^:]+:.`, type)
}

binding contains id if {
	some id, rule in rules
	rule.level == "mandatory"
	rule.effective_on <= substring(input.now, 0, 10)
}

# What each rule found wrong, or could not tell: [rule, subject, words].
failed contains [id, subject, why] if {
	some id, answer in said
	some subject, words in answer.fail
	some why in words
}

untold contains [id, subject, what] if {
	some id, answer in said
	some subject, words in answer.unknown
	some what in words
}

default verdict := "denied"

verdict := "undecided" if {
	count(fault) == 0
	count([id | some [id, _, _] in failed; id in binding]) == 0
	count([id | some [id, _, _] in untold; id in binding]) > 0
}

verdict := "allowed" if {
	count(fault) == 0
	count([id | some [id, _, _] in failed | untold; id in binding]) == 0
}

decision := {
	"verdict": verdict,
	"policy_digest": data.falaj.built.policy_digest,
	"environment": data.falaj.built.environment,
	"faults": fault,
	"rules": {id: {"judged": answer.judged, "fail": answer.fail, "unknown": answer.unknown, "binding": id in binding} | some id, answer in said},
}
"""


def modules(library: Library) -> dict[str, str]:
    """Path -> Rego text: the rules and their helpers word for word, the questions, and `falaj.decision`."""
    kinds = "".join(_KIND.format(kind=kind, subject=SUBJECT_OF[kind]) for kind in KINDS)
    return {**library.modules, **collectors(library), "decision.rego": _HEAD + kinds.lstrip("\n") + _REST}


def data(library: Library, environment: str) -> dict[str, Any]:
    """What the modules find under `data`: parameters, what is known of the rules, and the types that some rule knows or somebody reviewed.

    Raises UsageError for an environment without parameters.
    """
    known = {type for rule in library.of_kind("plan") for type in (*rule.subjects, *rule.reads) if "*" not in type} | set(reviewed(library))
    facts = ("title", "check", "severity", "level", "unknown", "effective_on", "controls", "remediation", "runbook")
    built = {
        "environment": environment,
        "policy_digest": library.digest,
        "parameters": library.parameters(environment),
        "rules": {kind: {rule.id: {fact: getattr(rule, fact) for fact in facts} for rule in library.of_kind(kind)} for kind in KINDS},
        "types": dict.fromkeys(sorted(known), True),
    }
    return {"falaj": {"built": built}}
