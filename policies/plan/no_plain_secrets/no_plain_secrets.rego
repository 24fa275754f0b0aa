# METADATA
# title: No secret stands in plain sight
# description: |
#   Passwords, keys and tokens come from a secret store, or are marked secret, so that plan, state and pod specification never show
#   them: names that promise one may not hold plain text. What looks like one under any other name finds values_hold_no_credential.
# custom:
#   check: C22
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["*"]
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

credential := `(password|passwd|passphrase|secret[_-]?access[_-]?key|secret[_-]?key|api[_-]?key|private[_-]?key|auth[_-]?token|access[_-]?token|client[_-]?secret)`

named_like_one := concat("", ["(?i)", credential, "$"])

judged := plan.filled

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

unknown[urn] contains "what is in one of its containers is not known before an apply" if {
	some urn in waiting
	some container in pods.listed_of[urn]
	container == {"__falaj__": "unknown"}
}

unknown[urn] contains sprintf("the environment of container %v is not known before an apply, and not marked secret", [name]) if {
	some urn in waiting
	some name, container in pods.containers_of[urn]
	some variable in plan.listed(object.get(container, "env", null))
	{"__falaj__": "unknown"} in [variable, object.get(variable, "name", null)]
}

unknown[secret.urn] contains sprintf("%v may become plain text: it is not known before an apply, and not marked secret", [field]) if {
	some secret in plan.of_type("kubernetes:core/v1:Secret")
	some field in ["data", "stringData"]
	given := object.get(secret.inputs, field, null)
	{"__falaj__": "unknown"} in array.concat([given], [value | some value in readable_map(given)])
}

# Walking every value of a large plan takes seconds. Only what may hold a find is walked: inputs whose text as a whole has a key with
# such a name. In most plans there is none, which one look at the text of all inputs tells.
suspicious contains resource.urn if {
	some type, text in plan.texts
	regex.match(names, text)
	some resource in plan.managed[type]
	resource.custom
	regex.match(names, json.marshal(resource.inputs))
}

names := concat("", ["(?i)", credential, "\""])

texts contains [urn, path, value] if {
	some urn in suspicious
	some path, value
	walk(plan.get(urn).inputs, [path, value])
	is_string(value)
}

# What may make a pod and is not wholly known yet.
waiting contains urn if {
	some type in plan.with_awaited
	startswith(type, "kubernetes:")
	some urn in plan.urns_of_type[type]
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
