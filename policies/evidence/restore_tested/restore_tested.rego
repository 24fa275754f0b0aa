# METADATA
# title: A backup was read back lately, and in time
# description: |
#   A backup that nobody has read back is a hope. A document says what was restored, somewhere else, by what it was compared, that
#   it came out whole, and in how many minutes; where it says how old the copy was, that is what would have been lost. Both are within
#   what may be promised here.
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

fail[subject] contains sprintf("it took %v minutes; at most %v hours are allowed", [said.minutes, most]) if {
	subject := "restore_test"
	said := evidence.facts[subject]
	most := input.parameters.recovery.maximum_rto_hours
	measured(said.minutes)
	said.minutes > most * 60
}

fail[subject] contains sprintf("the last %v seconds were lost; at most %v hours are allowed", [said.rpo_seconds, most]) if {
	subject := "restore_test"
	said := evidence.facts[subject]
	most := input.parameters.recovery.maximum_rpo_hours
	measured(said.rpo_seconds)
	said.rpo_seconds > most * 3600
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

unknown[subject] contains "it does not say minutes" if {
	subject := "restore_test"
	said := evidence.facts[subject]
	not measured(object.get(said, "minutes", null))
}

# Who restores by hand need not know how old the copy was.
unknown[subject] contains "its rpo_seconds is no number" if {
	subject := "restore_test"
	said := evidence.facts[subject]
	not measured(object.get(said, "rpo_seconds", 0))
}

measured(value) if {
	is_number(value)
	value >= 0
}

# Where the second is true, a list is asked for.
stated(value, true) if is_array(value)

stated(value, false) if {
	value != null
	value != ""
}
