# METADATA
# title: A release was taken back on purpose, and it worked
# description: |
#   That people can stop a model is shown by having stopped one. Twice a year a release is taken back, or serving is stopped, on
#   purpose; a document says from what to what, whether it worked, and how long it took.
# custom:
#   check: C31
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {eu_ai_act: ["14"], iso42001: [A.9.3], iso27001: [A.8.32]}
#   remediation: Run falaj rollback in a quiet hour, bring the release back, write it down with falaj evidence new off_switch_test.
#   runbook: rollback_release
package falaj.evidence.off_switch_tested

import rego.v1

import data.falaj.lib.evidence

judged contains "off_switch_test"

fail[subject] contains why if {
	subject := "off_switch_test"
	some why in evidence.wrong[subject]
}

fail[subject] contains "it did not work" if {
	subject := "off_switch_test"
	said := evidence.facts[subject]
	said.succeeded == false
}

fail[subject] contains "nothing was taken back: it names the same release twice" if {
	subject := "off_switch_test"
	said := evidence.facts[subject]
	said.took_back != null
	said.took_back == said.to
}

unknown[subject] contains what if {
	subject := "off_switch_test"
	some what in evidence.unclear[subject]
}

unknown[subject] contains sprintf("it does not say %v", [field]) if {
	subject := "off_switch_test"
	said := evidence.facts[subject]
	some field in ["succeeded", "took_back", "to"]
	not stated(object.get(said, field, null))
}

stated(value) if {
	value != null
	value != ""
}
