# METADATA
# title: The request log keeps no text, and not for long
# description: |
#   What people ask a model is personal data more often than not. A service says what its request log keeps of a request, of what
#   the environment allows (features, never the text), and for how many days.
# custom:
#   check: C29
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: []
#   reads: ["kubernetes:apps/v1:Deployment"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.11], gdpr: ["5(1)(c)", "5(1)(e)"], uae_pdpl: ["5"], iso42001: [A.6.2.8], eu_ai_act: ["12"]}
#   remediation: Set FALAJ_REQUEST_LOG to features or none, and FALAJ_REQUEST_LOG_DAYS to at most inference_log.maximum_days, on the serving container.
#   runbook: gate_denied
package falaj.plan.request_log_bounded

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.pods

judged contains urn if some urn in served

judged contains each.urn if {
	some each in deployments
	plan.hidden(serves(each))
}

fail[urn] contains "nothing says what its request log keeps" if {
	some urn in readable
	null in settings[urn].FALAJ_REQUEST_LOG
}

fail[urn] contains sprintf("its request log keeps %v; allowed: %v", [kept, concat(", ", input.parameters.inference_log.contents)]) if {
	some urn in readable
	some kept in settings[urn].FALAJ_REQUEST_LOG
	plan.known(kept)
	not kept in input.parameters.inference_log.contents
}

fail[urn] contains "nothing says how long its request log is kept" if {
	some urn in keeping
	some days in settings[urn].FALAJ_REQUEST_LOG_DAYS
	not plan.hidden(days)
	not regex.match("^[0-9]+$", sprintf("%v", [days]))
}

fail[urn] contains sprintf("its request log is kept for %v days; at most %v are allowed", [days, input.parameters.inference_log.maximum_days]) if {
	some urn in keeping
	some days in settings[urn].FALAJ_REQUEST_LOG_DAYS
	text := sprintf("%v", [days])
	regex.match("^[0-9]+$", text)
	to_number(text) > input.parameters.inference_log.maximum_days
}

unknown[urn] contains sprintf("%v is not known before an apply", [name]) if {
	some urn in readable
	some name, values in settings[urn]
	some value in values
	plan.hidden(value)
}

unknown[each.urn] contains "whether it serves is not known before an apply" if {
	some each in deployments
	plan.hidden(serves(each))
}

unknown[urn] contains "what its container is told is not known before an apply" if {
	some urn in served
	not urn in readable
}

served contains each.urn if {
	some each in deployments
	serves(each) == "true"
}

deployments := plan.of_type("kubernetes:apps/v1:Deployment")

serves(each) := plan.at(each.inputs, ["spec", "template", "metadata", "labels", "falaj/serves"])

readable contains urn if {
	some urn in served
	not urn in pods.opaque_pods
	not plan.hidden(pods.specs[urn])
	count([1 | some container in pods.containers_of[urn]; hidden_env(container)]) == 0
}

hidden_env(container) if plan.hidden(object.get(container, "env", null))

hidden_env(container) if {
	some variable in plan.listed(object.get(container, "env", null))
	plan.hidden(variable)
}

# A variable whose name is known later may be the log's.
hidden_env(container) if {
	some variable in plan.listed(object.get(container, "env", null))
	plan.hidden(object.get(variable, "name", null))
}

# Those of which some container keeps something.
keeping contains urn if {
	some urn in readable
	some kept in settings[urn].FALAJ_REQUEST_LOG
	kept != "none"
}

# URN -> name -> all that its containers are told under it; null where they are told nothing. Of two values in one container the last counts, and
# each container has its own, so none may be wrong.
settings := {urn: {name: told_or_none({value | some [given, value] in told; given == name}) | some name in names} |
	some urn in readable
	told := [[variable.name, object.get(variable, "value", null)] |
		some container in pods.containers_of[urn]
		some variable in plan.listed(object.get(container, "env", null))
		variable.name in names
	]
}

told_or_none(values) := {null} if {
	count(values) == 0
} else := values

names := ["FALAJ_REQUEST_LOG", "FALAJ_REQUEST_LOG_DAYS"]
