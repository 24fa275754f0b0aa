# METADATA
# title: A namespace starts with no traffic at all
# description: |
#   In each namespace one network policy selects every pod and allows nothing in or out; others then open what is needed. A
#   namespace without it lets every pod of the cluster in.
# custom:
#   check: C11
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["kubernetes:core/v1:Namespace"]
#   reads: ["kubernetes:networking.k8s.io/v1:NetworkPolicy"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Add a NetworkPolicy with an empty podSelector, policyTypes Ingress and Egress, and no rules to the namespace.
#   runbook: gate_denied
package falaj.plan.namespace_default_deny

import rego.v1

import data.falaj.lib.plan

judged contains namespace.urn if some namespace in namespaces

fail[namespace.urn] contains "no network policy denies all traffic by default" if {
	some namespace in namespaces
	not namespace.urn in denied
	not namespace.urn in unclear
}

unknown[urn] contains "a network policy that may be its default is not known before an apply" if {
	some urn in unclear
	not urn in denied
}

namespaces := plan.of_type("kubernetes:core/v1:Namespace")

policies := plan.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")

denied contains namespace if {
	some policy in deniers
	some namespace in places(policy)
}

unclear contains namespace if {
	some policy in policies
	plan.holds_hidden(object.get(policy.inputs, "spec", null))
	some namespace in places(policy)
}

unclear contains namespace.urn if {
	count(adrift) > 0
	some namespace in namespaces
}

adrift contains policy.urn if {
	some policy in deniers
	plan.hidden(place(policy))
	count(referred(policy)) != 1
}

place(policy) := plan.at(policy.inputs, ["metadata", "namespace"])

referred(policy) := plan.referred_of(policy, "metadata", {"kubernetes:core/v1:Namespace"})

named[name] contains namespace.urn if {
	some namespace in namespaces
	name := plan.at(namespace.inputs, ["metadata", "name"])
	is_string(name)
}

places(policy) := {urn | some urn in named[place(policy)]} | {urn |
	some urn in referred(policy)
	count(referred(policy)) == 1
	not is_string(plan.at(plan.get(urn).inputs, ["metadata", "name"]))
} if {
	is_string(place(policy))
}

places(policy) := {urn | some urn in referred(policy); count(referred(policy)) == 1} if not is_string(place(policy))

# Most policies name pods or openings, and need not be read any further.
deniers := [policy |
	some policy in policies
	spec := policy.inputs.spec
	is_array(spec.policyTypes)
	denies_all(spec)
]

denies_all(spec) if {
	selects_every_pod(object.get(spec, "podSelector", {}))
	{"Ingress", "Egress"} == {type | some type in plan.listed(object.get(spec, "policyTypes", null))}
	count(plan.listed(object.get(spec, "ingress", null))) == 0
	count(plan.listed(object.get(spec, "egress", null))) == 0
	not plan.holds_hidden(spec)
}

selects_every_pod(selector) if {
	count(object.get(selector, "matchLabels", {})) == 0
	count(object.get(selector, "matchExpressions", [])) == 0
}
