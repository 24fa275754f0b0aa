# METADATA
# title: The audit trail is whole, provable and encrypted
# description: |
#   A trail that watches one region, cannot prove that it was not edited, or lies under somebody else's key is no evidence. It
#   records global services as well, since identity changes are made there.
# custom:
#   check: C14
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:cloudtrail/trail:Trail"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.28, A.8.15], gdpr: ["5(2)", "33"], uae_pdpl: ["9"]}
#   remediation: Set isMultiRegionTrail, enableLogFileValidation and kmsKeyId on the Trail; leave enableLogging and includeGlobalServiceEvents on.
#   runbook: gate_denied
package falaj.plan.trail_validated

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains trail.urn if some trail in trails

fail[trail.urn] contains why if {
	some trail in trails
	some [field, otherwise, why] in [
		["isMultiRegionTrail", false, "it watches one region only"],
		["enableLogFileValidation", false, "its files cannot be proven unedited"],
		["enableLogging", true, "it is switched off"],
		["includeGlobalServiceEvents", true, "it leaves out global services, such as identity"],
	]
	value := object.get(trail.inputs, field, otherwise)
	value != true
	not plan.hidden(value)
}

fail[trail.urn] contains "it is not encrypted with a key of ours" if {
	some trail in trails
	object.get(trail.inputs, "kmsKeyId", null) == null
}

fail[trail.urn] contains "it is not encrypted with a key of ours" if {
	some trail in trails
	is_string(trail.inputs.kmsKeyId)
	contains(trail.inputs.kmsKeyId, "alias/aws/")
}

unknown[trail.urn] contains sprintf("%v is not known before an apply", [field]) if {
	some trail in trails
	some field in ["isMultiRegionTrail", "enableLogFileValidation", "enableLogging", "includeGlobalServiceEvents"]
	plan.hidden(trail.inputs[field])
}

unknown[trail.urn] contains "the key is not known before an apply, and no reference says whose it is" if {
	some trail in trails
	plan.hidden(trail.inputs.kmsKeyId)
	count(plan.referred_of(trail, "kmsKeyId", types.keys)) == 0
}

trails := plan.of_type("aws:cloudtrail/trail:Trail")
