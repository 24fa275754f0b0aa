# METADATA
# title: No secret stands in plain sight
# description: |
#   Passwords, keys and tokens come from a secret store, or are marked secret, so that plan, state and pod specification never show
#   them. Values that look like a credential are found wherever they are, and names that promise one may not hold plain text.
# custom:
#   check: C22
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: []
#   reads: ["*"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.17, A.8.4], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Mark the value secret (Config.require_secret, Output.secret) or mount a Secret as a file; then replace the exposed one.
#   runbook: gate_denied
package falaj.plan.no_plain_secrets

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.pods

# What a credential looks like, by its own marks.
looks := {
	"an AWS access key": "\\b(AKIA|ASIA)[0-9A-Z]{16}\\b",
	"a private key": "-----BEGIN [A-Z ]*PRIVATE KEY-----",
	"a GitHub token": "\\bgh[pousr]_[0-9A-Za-z]{36}",
	"a Slack token": "\\bxox[abprs]-[0-9A-Za-z-]{10}",
	"a password in an address": "[a-z][a-z0-9+.-]*://[^/\\s:@]+:[^/\\s:@]+@",
}

credential := `(password|passwd|passphrase|secret[_-]?access[_-]?key|secret[_-]?key|api[_-]?key|private[_-]?key|auth[_-]?token|access[_-]?token|client[_-]?secret)`

named_like_one := concat("", ["(?i)", credential, "$"])

judged := plan.custom - {urn | some urn, resource in plan.customs; resource.inputs == {}}

fail[urn] contains sprintf("%v holds %v", [concat(".", [sprintf("%v", [step]) | some step in path]), what]) if {
	some [urn, path, value] in texts
	some what, pattern in looks
	regex.match(pattern, value)
}

fail[urn] contains sprintf("%v is plain text", [concat(".", [sprintf("%v", [step]) | some step in path])]) if {
	some [urn, path, value] in texts
	value != ""
	regex.match(named_like_one, last_name(path))
}

fail[urn] contains sprintf("environment variable %v is plain text", [name]) if {
	some [urn, name, value] in variables
	is_string(value)
	value != ""
}

fail[secret.urn] contains sprintf("%v.%v is plain text", [field, key]) if {
	some secret in plan.of_type("kubernetes:core/v1:Secret")
	some field in ["data", "stringData"]
	some key, value in readable_map(object.get(secret.inputs, field, {}))
	is_string(value)
	value != ""
}

unknown[urn] contains sprintf("%v may become plain text: it is not known before an apply, and not marked secret", [concat(".", [sprintf("%v", [step]) | some step in path])]) if {
	some urn in suspicious
	some path, value
	walk(plan.get(urn).inputs, [path, value])
	value == {"__falaj__": "unknown"}
	regex.match(named_like_one, last_name(path))
}

unknown[urn] contains sprintf("environment variable %v may become plain text: it is not known before an apply, and not marked secret", [name]) if {
	some [urn, name, value] in variables
	value == {"__falaj__": "unknown"}
}

unknown[urn] contains "what is in the pod is not known before an apply" if {
	some urn, spec in pods.specs
	spec == {"__falaj__": "unknown"}
}

# Walking every value of a large plan takes seconds. Only what may hold a find is walked: inputs whose text as a whole has a mark of
# a credential (without its word boundaries: in JSON a line break before it is a letter) or a key with such a name. In most plans
# there is none, which one look at the text of all inputs tells.
suspicious contains urn if {
	regex.match(marks, plan.everything)
	some urn, resource in plan.customs
	regex.match(marks, json.marshal(resource.inputs))
}

suspicious contains urn if {
	regex.match(names, plan.everything)
	some urn, resource in plan.customs
	regex.match(names, json.marshal(resource.inputs))
}

# Two expressions: the engines take twice as long over one that holds both.
marks := concat("|", [
	"(AKIA|ASIA)[0-9A-Z]{16}",
	"-----BEGIN [A-Z ]*PRIVATE KEY-----",
	"gh[pousr]_[0-9A-Za-z]{36}",
	"xox[abprs]-[0-9A-Za-z-]{10}",
	"://[^/:@]+:[^/:@]+@",
])

names := concat("", ["(?i)", credential, "\""])

texts contains [urn, path, value] if {
	some urn in suspicious
	some path, value
	walk(plan.get(urn).inputs, [path, value])
	is_string(value)
}

# Environment variables of all containers that are named like a credential.
variables contains [urn, variable.name, object.get(variable, "value", null)] if {
	some urn, containers in pods.containers_of
	some container in containers
	env := object.get(container, "env", null)
	regex.match(names, json.marshal(env))
	some variable in plan.listed(env)
	is_string(variable.name)
	regex.match(named_like_one, variable.name)
}

last_name(path) := sprintf("%v", [path[count(path) - 1]])

readable_map(value) := value if {
	is_object(value)
	not plan.hidden(value)
} else := {}
