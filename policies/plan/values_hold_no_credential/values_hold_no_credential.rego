# METADATA
# title: No value looks like a credential
# description: |
#   An access key, a private key, a token or a password in an address stands in no value, whatever its name. A value that is only known
#   during an apply is looked at then, before its resource is made; what comes from another resource's output is that provider's to mark.
# custom:
#   check: C22
#   severity: critical
#   level: mandatory
#   unknown: defer
#   subjects: ["*"]
#   evidence: the plan and its decision
#   since: "2026-11-26"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.17, A.8.4], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Mark the value secret (Config.require_secret, Output.secret) or mount a Secret as a file; then replace the exposed one.
#   runbook: gate_denied
package falaj.plan.values_hold_no_credential

import rego.v1

import data.falaj.lib.plan

# What a credential looks like, by its own marks.
looks := {
	"an AWS access key": "\\b(AKIA|ASIA)[0-9A-Z]{16}\\b",
	"a private key": "-----BEGIN [A-Z ]*PRIVATE KEY-----",
	"a GitHub token": "\\bgh[pousr]_[0-9A-Za-z]{36}",
	"a Slack token": "\\bxox[abprs]-[0-9A-Za-z-]{10}",
	"a password in an address": "[a-z][a-z0-9+.-]*://[^/\\s:@]+:[^/\\s:@]+@",
}

judged := plan.filled

fail[urn] contains sprintf("%v holds %v", [concat(".", [sprintf("%v", [step]) | some step in path]), what]) if {
	some urn in suspicious
	some path, value
	walk(plan.get(urn).inputs, [path, value])
	is_string(value)
	some what, pattern in looks
	regex.match(pattern, value)
}

unknown[urn] contains sprintf("%v may hold a credential: it is not known before an apply, and no reference says what it is made of", [field]) if {
	some urn, fields in plan.unsettled
	some field in fields
}

# Only inputs whose text as a whole has a mark of a credential are walked. The marks have no word boundaries: in JSON a line break before
# one is a letter.
suspicious contains resource.urn if {
	some type, text in plan.texts
	regex.match(marks, text)
	some resource in plan.managed[type]
	resource.custom
	regex.match(marks, json.marshal(resource.inputs))
}

marks := concat("|", [
	"(AKIA|ASIA)[0-9A-Z]{16}",
	"-----BEGIN [A-Z ]*PRIVATE KEY-----",
	"gh[pousr]_[0-9A-Za-z]{36}",
	"xox[abprs]-[0-9A-Za-z-]{10}",
	"://[^/:@]+:[^/:@]+@",
])
