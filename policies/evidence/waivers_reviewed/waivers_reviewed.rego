# METADATA
# title: Every exception in force is complete and was looked at lately
# description: |
#   An exception that everybody forgot is the rule. A document lists each one in force, with owner, reason, what protects instead,
#   two approvals and an end that is still to come.
# custom:
#   check: C21
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.36, A.5.3], gdpr: ["49"], uae_pdpl: ["23"]}
#   remediation: Go through the waivers, end what is not needed, write the rest down with falaj evidence new waiver_review.
#   runbook: residency_exception
package falaj.evidence.waivers_reviewed

import rego.v1

import data.falaj.lib.dates
import data.falaj.lib.evidence

judged contains "waiver_review"

fail[subject] contains why if {
	subject := "waiver_review"
	some why in evidence.wrong[subject]
}

fail[subject] contains sprintf("%v has no %v", [name(waiver), field]) if {
	subject := "waiver_review"
	said := evidence.facts[subject]
	is_array(said.waivers)
	some waiver in said.waivers
	some field in ["owner", "reason", "control"]
	object.get(waiver, field, "") in {"", null}
}

fail[subject] contains sprintf("%v has fewer than two approvals", [name(waiver)]) if {
	subject := "waiver_review"
	said := evidence.facts[subject]
	is_array(said.waivers)
	some waiver in said.waivers
	object.get(waiver, "approvals", 0) < 2
}

fail[subject] contains sprintf("%v ended on %v", [name(waiver), waiver.expires]) if {
	subject := "waiver_review"
	said := evidence.facts[subject]
	is_array(said.waivers)
	some waiver in said.waivers
	dates.age(waiver.expires) > 1
}

unknown[subject] contains sprintf("when %v ends is no date", [name(waiver)]) if {
	subject := "waiver_review"
	said := evidence.facts[subject]
	is_array(said.waivers)
	some waiver in said.waivers
	expires := object.get(waiver, "expires", null)
	not dates.is_date(expires)
}

name(waiver) := sprintf("%v", [object.get(waiver, "id", "a waiver without an id")])

unknown[subject] contains what if {
	subject := "waiver_review"
	some what in evidence.unclear[subject]
}

unknown[subject] contains sprintf("it does not say %v", [field]) if {
	subject := "waiver_review"
	said := evidence.facts[subject]
	some field, right in {"waivers": true}
	not stated(object.get(said, field, null), right)
}

# Where the second is true, a list is asked for.
stated(value, true) if is_array(value)
