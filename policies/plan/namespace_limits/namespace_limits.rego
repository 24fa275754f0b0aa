# METADATA
# title: A namespace limits every container
# description: |
#   A container that asks for nothing gets all of its node. Each namespace gives such a container a default, and says what the
#   largest one may be.
# custom:
#   check: C12
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["kubernetes:core/v1:Namespace"]
#   reads: ["kubernetes:core/v1:LimitRange"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.6, A.8.9]}
#   remediation: Add a LimitRange of type Container to the namespace, with default and max for cpu and memory.
#   runbook: gate_denied
package falaj.plan.namespace_limits

import rego.v1

import data.falaj.lib.namespaces
import data.falaj.lib.plan

judged contains urn if some urn in namespaces.all

fail[urn] contains sprintf("nothing says the %v %v of a container", [word, amount]) if {
	some [urn, [field, word], amount] in missing
	not urn in unclear
}

unknown[urn] contains sprintf("not known before an apply: the %v %v of a container", [word, amount]) if {
	some [urn, [field, word], amount] in missing
	urn in unclear
}

limit_type := "kubernetes:core/v1:LimitRange"

missing contains [urn, [field, word], amount] if {
	some urn in namespaces.all
	some field, word in {"default": "default", "max": "largest"}
	some amount in ["cpu", "memory"]
	count([1 | some item in of_containers(urn); plan.known(plan.at(item, [field, amount]))]) == 0
}

of_containers(urn) := [item |
	some found in namespaces.parts(limit_type, urn)
	some item in plan.listed(plan.at(found.inputs, ["spec", "limits"]))
	object.get(item, "type", null) == "Container"
]

unclear contains urn if {
	some urn in namespaces.all
	some found in namespaces.parts(limit_type, urn)
	plan.holds_hidden(object.get(found.inputs, "spec", null))
}

unclear contains urn if {
	namespaces.stray(limit_type)
	some urn in namespaces.all
}
