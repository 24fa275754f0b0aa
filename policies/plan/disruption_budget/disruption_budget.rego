# METADATA
# title: Maintenance leaves replicas standing
# description: |
#   When nodes are drained for an upgrade, the cluster takes away whatever it likes unless a budget says how much may be gone at
#   once. What has replicas has such a budget; one that allows all to go, or none, is no budget.
# custom:
#   check: C17
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet"]
#   reads: ["kubernetes:policy/v1:PodDisruptionBudget"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.14], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Add a PodDisruptionBudget in the same namespace whose matchLabels are labels of the pods, with maxUnavailable 1.
#   runbook: gate_denied
package falaj.plan.disruption_budget

import rego.v1

import data.falaj.lib.plan

judged contains each.urn if some each in served

fail[each.urn] contains "no disruption budget selects its pods" if {
	some each in served
	each.urn in bare
	not each.urn in unclear
}

fail[urn] contains sprintf("its disruption budget says %v %v, which keeps nothing standing", [field, value]) if {
	some urn, budgets in budgets_of
	some budget in budgets
	some [field, value] in settings(plan.get(budget))
	keeps_nothing(field, value)
}

fail[urn] contains sprintf("its disruption budget says %v %v, which lets no node be drained", [field, value]) if {
	some urn, budgets in budgets_of
	some budget in budgets
	some [field, value] in settings(plan.get(budget))
	keeps_all(field, value)
}

fail[urn] contains "its disruption budget does not say how many pods stay" if {
	some urn, budgets in budgets_of
	some budget in budgets
	found := plan.get(budget)
	count(settings(found)) == 0
}

fail[urn] contains sprintf("its disruption budget lets %v pods go, and there are %v", [value, pods]) if {
	some urn, budgets in budgets_of
	pods := plan.at(plan.get(urn).inputs, ["spec", "replicas"])
	is_number(pods)

	# One pod cannot both stand and move to another node; whether one is enough is asked by replicas_spread.
	pods > 1
	some budget in budgets
	some ["maxUnavailable", value] in settings(plan.get(budget))
	is_number(value)
	value >= pods
}

unknown[urn] contains "how many pods there are is not known before an apply, and its disruption budget lets some go" if {
	some urn, budgets in budgets_of
	plan.hidden(plan.at(plan.get(urn).inputs, ["spec", "replicas"]))
	some budget in budgets
	some ["maxUnavailable", value] in settings(plan.get(budget))
	is_number(value)
}

unknown[each.urn] contains "whether a disruption budget selects its pods is not known before an apply" if {
	some each in served
	each.urn in bare
	each.urn in unclear
}

unknown[urn] contains sprintf("%v of its disruption budget is not known before an apply", [field]) if {
	some urn, budgets in budgets_of
	some budget in budgets
	some [field, value] in settings(plan.get(budget))
	plan.hidden(value)
}

served := plan.of_types({"kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet"})

all_budgets := plan.of_type("kubernetes:policy/v1:PodDisruptionBudget")

bare contains each.urn if {
	some each in served
	count(budgets_of[each.urn]) == 0
}

# Budgets whose labels all stand on the pods; each is found by one of its labels, in its namespace.
budgets_of[each.urn] := {urn |
	some key in keys_of_pods(each)
	some urn in budgets_at[key]
	count([1 | some name, value in plan.get(urn).inputs.spec.selector.matchLabels; object.get(own, name, null) != value]) == 0
} if {
	some each in served
	own := labels(each)
}

budgets_at[key] contains budget.urn if {
	some budget in all_budgets
	readable(budget)
	key := key_of(budget)
}

key_of(budget) := sprintf("%v %v=%v", [place(budget), name, selector[name]]) if {
	selector := budget.inputs.spec.selector.matchLabels
	names := sort([name | some name, _ in selector])
	count(names) > 0
	name := names[0]
}

keys_of_pods(each) := {sprintf("%v %v=%v", [place(each), name, value]) | some name, value in labels(each)}

labels(each) := found if {
	found := plan.at(each.inputs, ["spec", "template", "metadata", "labels"])
	is_object(found)
	not plan.hidden(found)
} else := {}

place(each) := found if {
	found := plan.at(each.inputs, ["metadata", "namespace"])
	is_string(found)
} else := one if {
	some urn in plan.referred_of(each, "metadata", {"kubernetes:core/v1:Namespace"})
	one := urn
} else := "default"

readable(budget) if {
	spec := budget.inputs.spec
	not plan.holds_hidden(object.get(spec, "selector", null))
	count(object.get(object.get(spec, "selector", {}), "matchExpressions", [])) == 0
}

# Pods or budgets whose labels or place are hidden may belong together.
unclear contains each.urn if {
	some each in served
	plan.holds_hidden(plan.at(each.inputs, ["spec", "template", "metadata"]))
}

unclear contains each.urn if {
	count(opaque) > 0
	some each in served
}

opaque contains budget.urn if {
	some budget in all_budgets
	plan.holds_hidden(plan.at(budget.inputs, ["spec", "selector"]))
}

opaque contains budget.urn if {
	some budget in all_budgets
	plan.hidden(plan.at(budget.inputs, ["metadata", "namespace"]))
	count(plan.referred_of(budget, "metadata", {"kubernetes:core/v1:Namespace"})) != 1
}

settings(budget) := {[field, value] |
	some field in ["maxUnavailable", "minAvailable"]
	value := plan.at(budget.inputs, ["spec", field])
	value != null
}

keeps_nothing(field, value) if {
	field == "maxUnavailable"
	value == "100%"
}

keeps_nothing(field, value) if {
	field == "minAvailable"
	value in {0, "0", "0%"}
}

keeps_all(field, value) if {
	field == "maxUnavailable"
	value in {0, "0", "0%"}
}

keeps_all(field, value) if {
	field == "minAvailable"
	value == "100%"
}
