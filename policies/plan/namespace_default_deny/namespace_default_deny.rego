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
#   effective_on: "2026-11-23"
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

denied contains namespace.urn if {
	some namespace in namespaces
	some policy in policies
	lies_in(policy, namespace)
	denies_all(policy)
}

unclear contains namespace.urn if {
	some namespace in namespaces
	some policy in policies
	lies_in(policy, namespace)
	plan.holds_hidden(object.get(policy.inputs, "spec", null))
}

unclear contains namespace.urn if {
	some namespace in namespaces
	some policy in policies
	denies_all(policy)
	plan.hidden(place(policy))
	count(plan.referred_of(policy, "metadata", {"kubernetes:core/v1:Namespace"})) != 1
}

place(policy) := plan.at(policy.inputs, ["metadata", "namespace"])

lies_in(policy, namespace) if {
	is_string(place(policy))
	place(policy) == plan.at(namespace.inputs, ["metadata", "name"])
}

lies_in(policy, namespace) if {
	not is_string(place(policy))
	plan.referred_of(policy, "metadata", {"kubernetes:core/v1:Namespace"}) == {namespace.urn}
}

# Placed by a known name that the namespace itself does not state: then the reference says whose name it is.
lies_in(policy, namespace) if {
	is_string(place(policy))
	not is_string(plan.at(namespace.inputs, ["metadata", "name"]))
	plan.referred_of(policy, "metadata", {"kubernetes:core/v1:Namespace"}) == {namespace.urn}
}

denies_all(policy) if {
	spec := policy.inputs.spec
	not plan.holds_hidden(spec)
	selects_every_pod(object.get(spec, "podSelector", {}))
	{"Ingress", "Egress"} == {type | some type in plan.listed(object.get(spec, "policyTypes", null))}
	count(plan.listed(object.get(spec, "ingress", null))) == 0
	count(plan.listed(object.get(spec, "egress", null))) == 0
}

selects_every_pod(selector) if {
	count(object.get(selector, "matchLabels", {})) == 0
	count(object.get(selector, "matchExpressions", [])) == 0
}
