# METADATA
# title: A release brings what its drift is measured against
# description: |
#   Drift is a distance, and a distance needs two ends. A release names the rows its reference is made from, which it was not
#   trained on and which are enough, and the numbers of requests at which live traffic is compared.
# custom:
#   check: C28
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["candidate"]
#   evidence: the candidate, the digests seen on disk and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso42001: [A.6.2.6], eu_ai_act: ["72"]}
#   remediation: Prepare data with a validation split of at least release.minimum_reference_rows rows, and run the evaluation again.
#   runbook: gate_denied
package falaj.release.drift_reference

import rego.v1

judged contains "drift"

fail[subject] contains sprintf("its reference is made from the %v rows", [split_name]) if {
	subject := "drift"
	is_object(drift)
	split_name := object.get(drift, ["reference", "split"], "unnamed")
	split_name != "validation"
}

fail[subject] contains sprintf("its reference has %v rows; at least %v are needed", [rows, input.parameters.release.minimum_reference_rows]) if {
	subject := "drift"
	is_object(drift)
	rows := object.get(drift, ["reference", "rows"], 0)
	rows < input.parameters.release.minimum_reference_rows
}

fail[subject] contains "it says at no number of requests when to compare" if {
	subject := "drift"
	is_object(drift)
	count(object.get(drift, "windows", [])) == 0
}

unknown[subject] contains "nothing is said of it" if {
	subject := "drift"
	not is_object(drift)
}

drift := object.get(input.candidate, "drift", null)
