# METADATA
# title: A backup was read back lately
# description: |
#   A backup that nobody has read back is a hope. A document says what was restored, somewhere else, by what it was compared, and
#   that it came out whole.
# custom:
#   check: C16
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.13, A.5.30], gdpr: ["32(1)(c)", "32(1)(d)"], uae_pdpl: ["20"]}
#   remediation: Restore state and artifacts into an empty place, compare digests, write it down with falaj evidence new restore_test.
#   runbook: restore_state
package falaj.evidence.restore_tested

import rego.v1

import data.falaj.lib.evidence

judged contains "restore_test"

fail[subject] contains why if {
	subject := "restore_test"
	some why in evidence.wrong[subject]
}

fail[subject] contains "it did not succeed" if {
	subject := "restore_test"
	said := evidence.facts[subject]
	said.succeeded == false
}

fail[subject] contains "nothing was restored" if {
	subject := "restore_test"
	said := evidence.facts[subject]
	said.restored == []
}

unknown[subject] contains what if {
	subject := "restore_test"
	some what in evidence.unclear[subject]
}

unknown[subject] contains sprintf("it does not say %v", [field]) if {
	subject := "restore_test"
	said := evidence.facts[subject]
	some field, right in {"succeeded": false, "restored": true}
	not stated(object.get(said, field, null), right)
}

# Where the second is true, a list is asked for.
stated(value, true) if is_array(value)

stated(value, false) if {
	value != null
	value != ""
}
