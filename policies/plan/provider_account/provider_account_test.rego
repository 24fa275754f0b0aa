package falaj.plan.provider_account_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.provider_account as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_one_account if {
	answer == {
		"judged": {"urn:pulumi:prod::app::pulumi:providers:aws::aws"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "op": "create", "custom": true, "inputs": {"allowedAccountIds": "[\"111122223333\"]"}},
	])
}

test_denied_any_account if {
	answer == {
		"judged": {"urn:pulumi:prod::app::pulumi:providers:aws::aws"},
		"fail": {"urn:pulumi:prod::app::pulumi:providers:aws::aws": {"it works in whatever account it is given"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "op": "create", "custom": true, "inputs": {"region": "me-central-1"}},
	])
}

test_unknown_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::pulumi:providers:aws::aws"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::pulumi:providers:aws::aws": {"in which account it works is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "op": "create", "custom": true, "inputs": {"allowedAccountIds": {"__falaj__": "unknown"}}},
	])
}

test_denied_two_accounts if {
	answer == {
		"judged": {"urn:pulumi:prod::app::pulumi:providers:aws::aws"},
		"fail": {"urn:pulumi:prod::app::pulumi:providers:aws::aws": {"it works in 2 accounts"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "op": "create", "custom": true, "inputs": {"allowedAccountIds": "[\"111122223333\", \"444455556666\"]"}},
	])
}
