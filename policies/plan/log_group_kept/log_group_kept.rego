# METADATA
# title: A log is kept long enough, and not for ever
# description: |
#   Lines are there when somebody must look back, and go when nobody may keep them longer; they are encrypted with a key of ours.
# custom:
#   check: C14
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:cloudwatch/logGroup:LogGroup"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.15, A.8.24], gdpr: ["5(1)(e)", "33"], uae_pdpl: ["9"], eu_ai_act: ["19"]}
#   remediation: Set retentionInDays and kmsKeyId.
#   runbook: gate_denied
package falaj.plan.log_group_kept

import rego.v1

import data.falaj.lib.plan

judged contains group.urn if some group in groups

fail[group.urn] contains "it keeps its lines for ever" if {
	some group in groups
	days(group) in {null, 0}
}

fail[group.urn] contains sprintf("it keeps its lines for %v days; %v are needed", [kept, input.parameters.logs.minimum_days]) if {
	some group in groups
	kept := days(group)
	is_number(kept)
	kept != 0
	kept < input.parameters.logs.minimum_days
}

fail[group.urn] contains sprintf("how long it keeps its lines is no number: %v", [days(group)]) if {
	some group in groups
	plan.misread(days(group))
}

fail[group.urn] contains "it is not encrypted with a key of ours" if {
	some group in groups
	object.get(group.inputs, "kmsKeyId", null) == null
}

unknown[group.urn] contains "how long it keeps its lines is not known before an apply" if {
	some group in groups
	plan.hidden(days(group))
}

groups := plan.of_type("aws:cloudwatch/logGroup:LogGroup")

days(group) := object.get(group.inputs, "retentionInDays", null)
