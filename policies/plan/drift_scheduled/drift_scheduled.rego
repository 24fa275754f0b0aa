# METADATA
# title: What serves is compared with what it was trained on
# description: |
#   A model gets worse without any change to it, because the world it answers about changes. Beside each service runs a schedule
#   that compares live requests with the reference of its release, at least once a week.
# custom:
#   check: C28
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: []
#   reads: ["kubernetes:apps/v1:Deployment", "kubernetes:batch/v1:CronJob"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso42001: [A.6.2.6], eu_ai_act: ["72", "15"]}
#   remediation: Add a CronJob in the namespace of the service that runs the drift stage, not suspended, at least weekly.
#   runbook: gate_denied
package falaj.plan.drift_scheduled

import rego.v1

import data.falaj.lib.plan

judged contains each.urn if some each in served

judged contains each.urn if {
	some each in deployments
	plan.hidden(serves(each))
}

fail[each.urn] contains "no schedule compares its requests with their reference" if {
	some each in served
	not each.urn in watched
	not each.urn in unclear
}

fail[each.urn] contains "the schedule that watches it is suspended" if {
	some each in served
	each.urn in watched
	found := watches_at[place(each)]
	count([1 | some watch in found; object.get(plan.get(watch).inputs.spec, "suspend", false) == false]) == 0
	count([1 | some watch in found; plan.hidden(object.get(plan.get(watch).inputs.spec, "suspend", false))]) == 0
}

fail[each.urn] contains sprintf("the schedule that watches it, %v, is rarer than weekly", [schedule]) if {
	some each in served
	some watch in watches_at[place(each)]
	schedule := plan.get(watch).inputs.spec.schedule
	rare(schedule)
}

unknown[each.urn] contains "whether it serves is not known before an apply" if {
	some each in deployments
	plan.hidden(serves(each))
}

unknown[each.urn] contains "whether a schedule watches it is not known before an apply" if {
	some each in served
	not each.urn in watched
	each.urn in unclear
}

unknown[each.urn] contains "when the schedule that watches it runs is not known before an apply" if {
	some each in served
	some watch in watches_at[place(each)]
	some field in ["schedule", "suspend"]
	plan.hidden(object.get(plan.get(watch).inputs.spec, field, null))
}

served := [each | some each in deployments; serves(each) == "true"]

deployments := plan.of_type("kubernetes:apps/v1:Deployment")

serves(each) := plan.at(each.inputs, ["spec", "template", "metadata", "labels", "falaj/serves"])

schedules := plan.of_type("kubernetes:batch/v1:CronJob")

watches_at[where] contains schedule.urn if {
	some schedule in schedules
	where := place(schedule)
	some container in plan.listed(containers(schedule))
	some argument in plan.listed(object.get(container, "args", null))
	argument == "drift"
}

watched contains each.urn if {
	some each in served
	some _ in watches_at[place(each)]
}

unclear contains each.urn if {
	count([1 | some schedule in schedules; plan.holds_hidden(commands(schedule))]) > 0
	some each in served
}

unclear contains each.urn if {
	some each in served
	plan.hidden(plan.at(each.inputs, ["metadata", "namespace"]))
}

unclear contains each.urn if {
	count([1 | some schedule in schedules; plan.hidden(plan.at(schedule.inputs, ["metadata", "namespace"]))]) > 0
	some each in served
}

containers(schedule) := plan.at(schedule.inputs, ["spec", "jobTemplate", "spec", "template", "spec", "containers"])

commands(schedule) := [object.get(container, "args", null) | some container in plan.listed(containers(schedule))]

place(each) := found if {
	found := plan.at(each.inputs, ["metadata", "namespace"])
	is_string(found)
} else := "default"

# Five fields: a day of the month or a month that is named comes round less than once a week.
rare(schedule) if {
	is_string(schedule)
	fields := split(schedule, " ")
	count(fields) == 5
	some field in [fields[2], fields[3]]
	not startswith(field, "*")
}
