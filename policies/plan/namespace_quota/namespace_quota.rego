# METADATA
# title: A namespace has a quota, of GPUs too
# description: |
#   Without a quota one team, or one mistake, takes every GPU of the cluster and all that money buys. Each namespace bounds its
#   processors, memory, pods and GPUs; a namespace that needs none says zero.
# custom:
#   check: C10
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["kubernetes:core/v1:Namespace"]
#   reads: ["kubernetes:core/v1:ResourceQuota"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.6], iso42001: [A.4.5]}
#   remediation: Add a ResourceQuota to the namespace whose hard limits name every amount in workloads.quota_bounds, with no more GPUs than workloads.maximum_gpus.
#   runbook: gate_denied
package falaj.plan.namespace_quota

import rego.v1

import data.falaj.lib.namespaces
import data.falaj.lib.plan

judged contains urn if some urn in namespaces.all

fail[urn] contains sprintf("no quota bounds its %v", [amount]) if {
	some [urn, amount] in unbounded
	not urn in unclear
}

fail[urn] contains sprintf("its quota allows %v GPUs; at most %v are allowed", [hard, input.parameters.workloads.maximum_gpus]) if {
	some urn, found in quotas
	some quota in found
	hard := bound(quota, "requests.nvidia.com/gpu")
	regex.match("^[0-9]+$", text(hard))
	to_number(text(hard)) > input.parameters.workloads.maximum_gpus
}

fail[urn] contains sprintf("its quota of GPUs is %v, which is no whole number", [hard]) if {
	some urn, found in quotas
	some quota in found
	hard := bound(quota, "requests.nvidia.com/gpu")
	plan.known(hard)
	not regex.match("^[0-9]+$", text(hard))
}

unknown[urn] contains sprintf("not known before an apply: whether a quota bounds its %v", [amount]) if {
	some [urn, amount] in unbounded
	urn in unclear
}

quota_type := "kubernetes:core/v1:ResourceQuota"

quotas := {urn: namespaces.parts(quota_type, urn) | some urn in namespaces.all}

unbounded contains [urn, amount] if {
	some urn in namespaces.all
	some amount in input.parameters.workloads.quota_bounds
	count([quota | some quota in quotas[urn]; plan.known(bound(quota, amount)); for_all(quota)]) == 0
}

# A quota with a scope counts some pods, and the others have none.
for_all(quota) if {
	plan.listed(plan.at(quota.inputs, ["spec", "scopes"])) == []
	plan.at(quota.inputs, ["spec", "scopeSelector"]) in {null, {}}
}

# A quota whose content or whose place is hidden may be the one that is missing.
unclear contains urn if {
	some urn, found in quotas
	some quota in found
	plan.holds_hidden(object.get(quota.inputs, "spec", null))
}

unclear contains urn if {
	namespaces.stray(quota_type)
	some urn in namespaces.all
}

bound(quota, amount) := plan.at(quota.inputs, ["spec", "hard", amount])

text(value) := sprintf("%v", [value])
