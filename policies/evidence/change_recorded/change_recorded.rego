# METADATA
# title: The last change is on record, and two people stand behind it
# description: |
#   Who looks at a change a year later must find what was planned, by which rules it was judged, from which state it started, who
#   asked, who agreed and how it would have been undone. Who asks does not agree with himself.
# custom:
#   check: C20
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.32, A.5.3], gdpr: ["5(2)"]}
#   remediation: Write the change down with falaj evidence new change_record, with the digests of decision.json; let somebody else approve.
#   runbook: failed_apply
package falaj.evidence.change_recorded

import rego.v1

import data.falaj.lib.evidence

judged contains "change_record"

fail[subject] contains why if {
	subject := "change_record"
	some why in evidence.wrong[subject]
}

fail[subject] contains "author and approver are the same" if {
	subject := "change_record"
	said := evidence.facts[subject]
	is_string(said.author)
	is_string(said.approver)
	lower(said.author) == lower(said.approver)
}

fail[subject] contains sprintf("its %v is no digest", [field]) if {
	subject := "change_record"
	said := evidence.facts[subject]
	some field in ["plan", "policy"]
	value := object.get(said, field, null)
	is_string(value)
	not regex.match("^sha256:[0-9a-f]{64}$", value)
}

unknown[subject] contains what if {
	subject := "change_record"
	some what in evidence.unclear[subject]
}

unknown[subject] contains sprintf("it does not say %v", [field]) if {
	subject := "change_record"
	said := evidence.facts[subject]
	some field in ["plan", "policy", "state_serial", "author", "approver", "rollback"]
	not stated(object.get(said, field, null))
}

stated(value) if {
	value != null
	value != ""
}
