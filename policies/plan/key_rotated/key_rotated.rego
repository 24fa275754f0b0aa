# METADATA
# title: A key is renewed every year and not lost by mistake
# description: |
#   Rotation limits what one stolen key opens. The waiting time before deletion is what stands between a slip and data that
#   nobody can read again. Keys that KMS cannot rotate (signing, asymmetric, HMAC) are judged on the waiting time alone.
# custom:
#   check: C06
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:kms/key:Key"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.24], gdpr: ["32(1)(a)"], uae_pdpl: ["20"]}
#   remediation: Set enableKeyRotation true and leave deletionWindowInDays at 30, or set it to the environment's minimum or more.
#   runbook: gate_denied
package falaj.plan.key_rotated

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains key.urn if some key in keys

fail[key.urn] contains "rotation is off" if {
	some key in keys
	rotates(key)
	value := object.get(key.inputs, "enableKeyRotation", false)
	value != true
	not plan.hidden(value)
}

fail[key.urn] contains "it is disabled" if {
	some key in keys
	value := object.get(key.inputs, "isEnabled", null)
	plan.known(value)
	value != true
}

fail[key.urn] contains sprintf("it is gone %v days after deletion; %v are needed", [days(key), input.parameters.keys.deletion_window_days]) if {
	some key in keys
	is_number(days(key))
	days(key) < input.parameters.keys.deletion_window_days
}

fail[key.urn] contains sprintf("how long it waits before deletion is no number: %v", [days(key)]) if {
	some key in keys
	plan.misread(days(key))
}

unknown[key.urn] contains sprintf("%v is not known before an apply", [field]) if {
	some key in keys
	some field in ["enableKeyRotation", "deletionWindowInDays", "isEnabled", "customerMasterKeySpec"]
	plan.hidden(key.inputs[field])
}

keys := plan.of_type(types.key)

days(key) := plan.at({"days": object.get(key.inputs, "deletionWindowInDays", 30)}, ["days"])

# A key whose spec is hidden is held to rotation: it is unknown anyway.
rotates(key) if object.get(key.inputs, "customerMasterKeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
