# METADATA
# title: Who may do what was looked at lately
# description: |
#   Rights are given for a reason and outlive it. Every quarter somebody looks at each identity and what it may do; what is no
#   longer needed is taken back, not only noted.
# custom:
#   check: C09
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.18, A.5.15, A.8.2], gdpr: ["32(1)(d)"]}
#   remediation: Review roles, access entries and signers; take back what is not needed; write it down with falaj evidence new access_review.
#   runbook: gate_denied
package falaj.evidence.access_reviewed

import rego.v1

import data.falaj.lib.evidence

judged contains "access_review"

fail[subject] contains why if {
	subject := "access_review"
	some why in evidence.wrong[subject]
}

fail[subject] contains sprintf("%v rights that were to be taken back are still there", [said.open]) if {
	subject := "access_review"
	said := evidence.facts[subject]
	is_number(said.open)
	said.open > 0
}

fail[subject] contains "it looked at nobody" if {
	subject := "access_review"
	said := evidence.facts[subject]
	said.identities == 0
}

unknown[subject] contains what if {
	subject := "access_review"
	some what in evidence.unclear[subject]
}

unknown[subject] contains sprintf("it does not say %v", [field]) if {
	subject := "access_review"
	said := evidence.facts[subject]
	some field in ["reviewer", "identities", "open"]
	not stated(object.get(said, field, null))
}

stated(value) if {
	value != null
	value != ""
}
