# METADATA
# title: A provider works in one account
# description: |
#   An environment has an account of its own; a provider that would work in any account makes dev in prod when somebody's login is the wrong one.
# custom:
#   check: C19
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["pulumi:providers:aws"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.31], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Set allowed_account_ids to the environment's account.
#   runbook: gate_denied
package falaj.plan.provider_account

import rego.v1

import data.falaj.lib.plan

judged contains provider.urn if some provider in providers

fail[provider.urn] contains "it works in whatever account it is given" if {
	some provider in providers
	value := accounts(provider)
	not plan.holds_hidden(value)
	count(plan.listed(value)) == 0
}

fail[provider.urn] contains sprintf("it works in %v accounts", [count(value)]) if {
	some provider in providers
	value := accounts(provider)
	is_array(value)
	count(value) > 1
}

fail[provider.urn] contains sprintf("it works in %v, which is no account", [name]) if {
	some provider in providers
	some name in plan.listed(accounts(provider))
	not plan.hidden(name)
	not is_account(name)
}

unknown[provider.urn] contains "in which account it works is not known before an apply" if {
	some provider in providers
	plan.holds_hidden(accounts(provider))
}

providers := plan.of_type("pulumi:providers:aws")

accounts(provider) := plan.decoded(object.get(provider.inputs, "allowedAccountIds", null))

# Text that nobody can read names no account.
accounts(provider) := [] if {
	written := provider.inputs.allowedAccountIds
	is_string(written)
	not json.is_valid(written)
}

is_account(name) if {
	is_string(name)
	regex.match("^[0-9]{12}$", name)
}
