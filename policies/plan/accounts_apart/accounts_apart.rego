# METADATA
# title: An environment keeps to its own account
# description: |
#   A rehearsal that can read the real data, or a key that two environments share, makes two environments one. Nothing of an
#   environment names an account of another: no provider, role, bucket, key or policy.
# custom:
#   check: C19
#   severity: high
#   level: mandatory
#   unknown: defer
#   subjects: ["aws:*", "pulumi:providers:aws"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.31], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Name resources of the environment's own account; accounts.others lists those of the others.
#   runbook: gate_denied
package falaj.plan.accounts_apart

import rego.v1

import data.falaj.lib.plan

judged := object.keys(plan.aws) | {provider.urn | some provider in providers}

fail[urn] contains sprintf("it names account %v, which is another environment's", [account]) if {
	some_other
	some urn in judged
	some account in named(json.marshal(plan.get(urn).inputs))
}

unknown[provider.urn] contains sprintf("%v is not known before an apply, so nobody can say whose account it works in", [field]) if {
	some provider in providers
	some field in ["allowedAccountIds", "assumeRoles"]
	plan.holds_hidden(plan.decoded(object.get(provider.inputs, field, null)))
}

unknown[urn] contains sprintf("%v is not known before an apply, and no reference says whose it is", [field]) if {
	some urn, fields in plan.unsettled
	plan.aws[urn]
	some field in fields
}

providers := plan.of_type("pulumi:providers:aws")

others := concat("|", input.parameters.accounts.others)

some_other if {
	some text in plan.texts
	count(named(text)) > 0
}

# Most plans name none of them anywhere, and one look at the text of all inputs tells.
named(text) := {account |
	others != ""
	some account in regex.find_n(sprintf(`\b(%v)\b`, [others]), text, -1)
}
