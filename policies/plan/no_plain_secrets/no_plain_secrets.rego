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
#   effective_on: "2026-11-23"
#   controls: {iso27001: [A.5.17, A.8.4], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Mark the value secret (Config.require_secret, Output.secret) or refer to a Secret (valueFrom.secretKeyRef); then replace the exposed one.
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

named_like_one := `(?i)(password|passwd|passphrase|secret[_-]?access[_-]?key|secret[_-]?key|api[_-]?key|private[_-]?key|auth[_-]?token|access[_-]?token|client[_-]?secret)$`

judged contains urn if {
	some urn, resource in candidates
	count(resource.inputs) > 0
}

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
	regex.match(named_like_one, name)
}

fail[secret.urn] contains sprintf("%v.%v is plain text", [field, key]) if {
	some secret in plan.of_type("kubernetes:core/v1:Secret")
	some field in ["data", "stringData"]
	some key, value in readable_map(object.get(secret.inputs, field, {}))
	is_string(value)
	value != ""
}

unknown[urn] contains sprintf("%v may become plain text: it is not known before an apply, and not marked secret", [concat(".", [sprintf("%v", [step]) | some step in path])]) if {
	some urn, resource in candidates
	some path, value
	walk(resource.inputs, [path, value])
	value == {"__falaj__": "unknown"}
	regex.match(named_like_one, last_name(path))
}

unknown[urn] contains sprintf("environment variable %v may become plain text: it is not known before an apply, and not marked secret", [name]) if {
	some [urn, name, value] in variables
	value == {"__falaj__": "unknown"}
	regex.match(named_like_one, name)
}

unknown[urn] contains "what is in the pod is not known before an apply" if {
	some urn, spec in pods.specs
	spec == {"__falaj__": "unknown"}
}

candidates[urn] := resource if {
	some urn in plan.custom
	resource := plan.get(urn)
}

texts contains [urn, path, value] if {
	some urn, resource in candidates
	some path, value
	walk(resource.inputs, [path, value])
	is_string(value)
}

# Environment variables of all containers.
variables contains [urn, variable.name, object.get(variable, "value", null)] if {
	some urn, spec in pods.specs
	is_object(spec)
	not plan.hidden(spec)
	some container in pods.readable(spec)
	some variable in plan.listed(plan.at(container, ["env"]))
	is_string(variable.name)
}

last_name(path) := sprintf("%v", [path[count(path) - 1]])

readable_map(value) := value if {
	is_object(value)
	not plan.hidden(value)
} else := {}
