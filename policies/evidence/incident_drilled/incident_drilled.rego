# METADATA
# title: An incident was rehearsed lately
# description: |
#   A runbook that nobody has walked through is wrong in the place that matters. Once a year at least two people walk through one,
#   and write down what did not work.
# custom:
#   check: C36
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.24, A.5.27], gdpr: ["33"], eu_ai_act: ["73"]}
#   remediation: Walk through runbooks/incident.md or breach.md, write it down with falaj evidence new incident_drill.
#   runbook: incident
package falaj.evidence.incident_drilled

import rego.v1

import data.falaj.lib.evidence

judged contains "incident_drill"

fail[subject] contains why if {
	subject := "incident_drill"
	some why in evidence.wrong[subject]
}

fail[subject] contains "fewer than two people took part" if {
	subject := "incident_drill"
	said := evidence.facts[subject]
	is_number(said.people)
	said.people < 2
}

fail[subject] contains sprintf("%v is no runbook of an incident", [runbook]) if {
	subject := "incident_drill"
	said := evidence.facts[subject]
	runbook := said.runbook
	is_string(runbook)
	not runbook in {"incident", "breach", "residency_exception", "restore_state", "rollback_release"}
}

unknown[subject] contains what if {
	subject := "incident_drill"
	some what in evidence.unclear[subject]
}

unknown[subject] contains sprintf("it does not say %v", [field]) if {
	subject := "incident_drill"
	said := evidence.facts[subject]
	some field in ["runbook", "people"]
	not stated(object.get(said, field, null))
}

stated(value) if {
	value != null
	value != ""
}
