package falaj.plan.backup_taken_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.backup_taken as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_kept_and_selected if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/plan:Plan::p", "urn:pulumi:prod::app::aws:backup/selection:Selection::s"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/plan:Plan::p", "type": "aws:backup/plan:Plan", "name": "p", "op": "create", "custom": true, "inputs": {"name": "falaj", "rules": [{"ruleName": "daily", "targetVaultName": {"__falaj__": "unknown"}, "lifecycle": {"deleteAfter": 35}, "copyActions": [{"destinationVaultArn": "arn:aws:backup:me-central-1:333333333333:backup-vault:two"}]}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"planId": ["urn:pulumi:prod::app::aws:backup/plan:Plan::p"]}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"planId": {"__falaj__": "unknown"}, "resources": ["arn:aws:s3:::falaj"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_kept_too_short_abroad_and_nothing_selected if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/plan:Plan::p", "urn:pulumi:prod::app::aws:backup/selection:Selection::s"},
		"fail": {"urn:pulumi:prod::app::aws:backup/plan:Plan::p": {"nothing is selected for it", "rule 0 copies to arn:aws:backup:eu-west-1:333333333333:backup-vault:two, which is not in an allowed region", "rule 0 keeps copies for 3 days; 35 are needed"}, "urn:pulumi:prod::app::aws:backup/selection:Selection::s": {"it selects nothing"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/plan:Plan::p", "type": "aws:backup/plan:Plan", "name": "p", "op": "create", "custom": true, "inputs": {"name": "falaj", "rules": [{"ruleName": "daily", "targetVaultName": {"__falaj__": "unknown"}, "lifecycle": {"deleteAfter": 3}, "copyActions": [{"destinationVaultArn": "arn:aws:backup:eu-west-1:333333333333:backup-vault:two"}]}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"planId": "other"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/plan:Plan::p", "urn:pulumi:prod::app::aws:backup/selection:Selection::s"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:backup/plan:Plan::p": {"a selection does not say yet which plan it belongs to", "how long rule 0 keeps copies is not known before an apply", "where rule 0 copies to is not known before an apply"}, "urn:pulumi:prod::app::aws:backup/selection:Selection::s": {"what it selects is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/plan:Plan::p", "type": "aws:backup/plan:Plan", "name": "p", "op": "create", "custom": true, "inputs": {"name": "falaj", "rules": [{"ruleName": "daily", "targetVaultName": {"__falaj__": "unknown"}, "lifecycle": {"__falaj__": "unknown"}, "copyActions": {"__falaj__": "unknown"}}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"planId": {"__falaj__": "unknown"}, "resources": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_an_empty_list_and_a_copy_to_no_arn if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/plan:Plan::p", "urn:pulumi:prod::app::aws:backup/selection:Selection::s"},
		"fail": {"urn:pulumi:prod::app::aws:backup/plan:Plan::p": {"rule 0 copies to two, which is not in an allowed region", "rule 0 does not say for how many days it keeps copies"}, "urn:pulumi:prod::app::aws:backup/selection:Selection::s": {"it selects nothing"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/plan:Plan::p", "type": "aws:backup/plan:Plan", "name": "p", "op": "create", "custom": true, "inputs": {"name": "falaj", "rules": [{"ruleName": "daily", "targetVaultName": {"__falaj__": "unknown"}, "lifecycle": {}, "copyActions": [{"destinationVaultArn": "two"}]}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"planId": ["urn:pulumi:prod::app::aws:backup/plan:Plan::p"]}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"planId": {"__falaj__": "unknown"}, "resources": []}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_rule if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/plan:Plan::p", "urn:pulumi:prod::app::aws:backup/selection:Selection::s"},
		"fail": {"urn:pulumi:prod::app::aws:backup/plan:Plan::p": {"it has no rule"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/plan:Plan::p", "type": "aws:backup/plan:Plan", "name": "p", "op": "create", "custom": true, "inputs": {"name": "falaj"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"planId": ["urn:pulumi:prod::app::aws:backup/plan:Plan::p"]}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"planId": {"__falaj__": "unknown"}, "resources": ["arn:aws:s3:::falaj"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_hidden_rules if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/plan:Plan::p", "urn:pulumi:prod::app::aws:backup/plan:Plan::q", "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "urn:pulumi:prod::app::aws:backup/selection:Selection::t"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:backup/plan:Plan::p": {"its rules are not known before an apply"}, "urn:pulumi:prod::app::aws:backup/plan:Plan::q": {"rule 0 is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/plan:Plan::p", "type": "aws:backup/plan:Plan", "name": "p", "op": "create", "custom": true, "inputs": {"rules": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/plan:Plan::q", "type": "aws:backup/plan:Plan", "name": "q", "op": "create", "custom": true, "inputs": {"rules": [{"__falaj__": "unknown"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"planId": ["urn:pulumi:prod::app::aws:backup/plan:Plan::p"]}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"planId": {"__falaj__": "unknown"}, "resources": ["arn:aws:s3:::falaj"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"planId": ["urn:pulumi:prod::app::aws:backup/plan:Plan::q"]}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::t", "type": "aws:backup/selection:Selection", "name": "t", "op": "create", "custom": true, "inputs": {"planId": {"__falaj__": "unknown"}, "resources": ["arn:aws:s3:::falaj"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
