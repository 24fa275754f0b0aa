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
	some urn, items in of_containers
	some field, word in {"default": "default", "max": "largest"}
	some amount in ["cpu", "memory"]
	count([1 | some item in items; plan.known(plan.at(item, [field, amount]))]) == 0
}

ranges := {urn: namespaces.parts(limit_type, urn) | some urn in namespaces.all}

of_containers := {urn: items |
	some urn, found in ranges
	items := [item |
		some range in found
		some item in plan.listed(plan.at(range.inputs, ["spec", "limits"]))
		object.get(item, "type", null) == "Container"
	]
}

unclear contains urn if {
	some urn, found in ranges
	some range in found
	plan.holds_hidden(object.get(range.inputs, "spec", null))
}

unclear contains urn if {
	namespaces.stray(limit_type)
	some urn in namespaces.all
}
