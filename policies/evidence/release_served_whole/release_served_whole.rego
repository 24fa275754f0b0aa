# METADATA
# title: What is served is what was registered
# description: |
#   A release is judged, signed and registered by its digest; what people are answered by must have the same one. A document
#   compares the digest in the registry with that of every replica.
# custom:
#   check: C24
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso42001: [A.6.2.5], iso27001: [A.8.32], eu_ai_act: ["15"]}
#   remediation: Ask every replica for /v1/release and compare; write it down with falaj evidence new release_served. Take back what differs.
#   runbook: rollback_release
package falaj.evidence.release_served_whole

import rego.v1

import data.falaj.lib.evidence

judged contains "release_served"

fail[subject] contains why if {
	subject := "release_served"
	some why in evidence.wrong[subject]
}

fail[subject] contains sprintf("a replica serves %v; registered is %v", [digest, said.registered]) if {
	subject := "release_served"
	said := evidence.facts[subject]
	is_string(said.registered)
	is_array(said.served)
	some digest in said.served
	digest != said.registered
}

fail[subject] contains "it asked no replica" if {
	subject := "release_served"
	said := evidence.facts[subject]
	said.served == []
}

fail[subject] contains "what was registered is no digest" if {
	subject := "release_served"
	said := evidence.facts[subject]
	registered := said.registered
	is_string(registered)
	not regex.match("^sha256:[0-9a-f]{64}$", registered)
}

unknown[subject] contains what if {
	subject := "release_served"
	some what in evidence.unclear[subject]
}

unknown[subject] contains sprintf("it does not say %v", [field]) if {
	subject := "release_served"
	said := evidence.facts[subject]
	some field, right in {"release": false, "registered": false, "served": true}
	not stated(object.get(said, field, null), right)
}

# Where the second is true, a list is asked for.
stated(value, true) if is_array(value)

stated(value, false) if {
	value != null
	value != ""
}
