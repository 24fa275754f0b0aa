# METADATA
# title: Backups are taken, kept and stay
# description: |
#   A plan that selects nothing copies nothing. Its copies live as long as the parameter says, and none goes to a region that is
#   not allowed.
# custom:
#   check: C16
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:backup/plan:Plan", "aws:backup/selection:Selection"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.13], gdpr: ["32(1)(c)"], uae_pdpl: ["20", "22"]}
#   remediation: Give the plan a Selection that names resources, set lifecycle.deleteAfter, and drop copyActions to other regions.
#   runbook: gate_denied
package falaj.plan.backup_taken

import rego.v1

import data.falaj.lib.plan

judged contains one.urn if some one in array.concat(plans, selections)

fail[one.urn] contains "it has no rule" if {
	some one in plans
	not plan.hidden(object.get(one.inputs, "rules", null))
	count(plan.listed(object.get(one.inputs, "rules", null))) == 0
}

fail[one.urn] contains "nothing is selected for it" if {
	some one in plans
	not one.urn in selected
	count(adrift) == 0
}

fail[urn] contains sprintf("rule %v keeps copies for %v days; %v are needed", [index, days, input.parameters.backups.minimum_days]) if {
	some [urn, index, days] in kept
	is_number(days)
	days < input.parameters.backups.minimum_days
}

fail[urn] contains sprintf("rule %v does not say for how many days it keeps copies", [index]) if {
	some [urn, index, days] in kept
	not plan.hidden(days)
	not is_number(days)
}

fail[urn] contains sprintf("rule %v copies to %v, which is not in an allowed region", [index, target]) if {
	some [urn, index, target] in copies
	not plan.hidden(target)
	not within(target)
}

fail[one.urn] contains "it selects nothing" if {
	some one in selections
	count([field | some field in ["resources", "selectionTags", "conditions"]; object.get(one.inputs, field, null) != null]) == 0
}

fail[one.urn] contains "it selects nothing" if {
	some one in selections
	one.inputs.resources == []
}

unknown[one.urn] contains "its rules are not known before an apply" if {
	some one in plans
	plan.hidden(one.inputs.rules)
}

unknown[urn] contains sprintf("rule %v is not known before an apply", [index]) if {
	some [urn, index, rule] in rules
	plan.hidden(rule)
}

unknown[one.urn] contains "a selection does not say yet which plan it belongs to" if {
	some one in plans
	not one.urn in selected
	count(adrift) > 0
}

unknown[urn] contains sprintf("how long rule %v keeps copies is not known before an apply", [index]) if {
	some [urn, index, days] in kept
	plan.hidden(days)
}

unknown[urn] contains sprintf("where rule %v copies to is not known before an apply", [index]) if {
	some [urn, index, target] in copies
	plan.hidden(target)
}

unknown[one.urn] contains "what it selects is not known before an apply" if {
	some one in selections
	some field in ["resources", "selectionTags", "conditions"]
	plan.hidden(one.inputs[field])
}

plans := plan.of_type("aws:backup/plan:Plan")

selections := plan.of_type("aws:backup/selection:Selection")

rules contains [one.urn, index, rule] if {
	some one in plans
	not plan.hidden(object.get(one.inputs, "rules", null))
	some index, rule in plan.listed(object.get(one.inputs, "rules", null))
}

kept contains [urn, index, plan.at(rule, ["lifecycle", "deleteAfter"])] if {
	some [urn, index, rule] in rules
	not plan.hidden(rule)
}

# The vault that each copy goes to; a list of copies that is hidden as a whole stands for one of them.
copies contains [urn, index, target] if {
	some [urn, index, rule] in rules
	not plan.hidden(rule)
	some copy in plan.listed(plan.at(rule, ["copyActions"]))
	target := plan.at(copy, ["destinationVaultArn"])
}

# The fourth part of an ARN is its region; what is no ARN lies nowhere that is allowed.
within(target) if {
	is_string(target)
	parts := split(target, ":")
	parts[3] in input.parameters.allowed_regions
}

selected contains urn if {
	some one in selections
	some urn in plan.referred_of(one, "planId", {"aws:backup/plan:Plan"})
}

adrift contains one.urn if {
	some one in selections
	plan.hidden(one.inputs.planId)
	count(plan.referred_of(one, "planId", {"aws:backup/plan:Plan"})) == 0
}
