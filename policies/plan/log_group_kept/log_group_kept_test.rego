package falaj.plan.log_group_kept_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.log_group_kept as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_year_and_a_key_that_is_made_before_it if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::g"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::g", "type": "aws:cloudwatch/logGroup:LogGroup", "name": "g", "op": "create", "custom": true, "inputs": {"retentionInDays": 400, "kmsKeyId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_for_ever_in_the_clear if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::g"},
		"fail": {"urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::g": {"it is not encrypted with a key of ours", "it keeps its lines for ever"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::g", "type": "aws:cloudwatch/logGroup:LogGroup", "name": "g", "op": "create", "custom": true, "inputs": {"name": "x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_nobody_knows_how_long if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::g"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::g": {"how long it keeps its lines is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::g", "type": "aws:cloudwatch/logGroup:LogGroup", "name": "g", "op": "create", "custom": true, "inputs": {"retentionInDays": {"__falaj__": "unknown"}, "kmsKeyId": "k"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_week if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::g"},
		"fail": {"urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::g": {"it keeps its lines for 7 days; 180 are needed"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::g", "type": "aws:cloudwatch/logGroup:LogGroup", "name": "g", "op": "create", "custom": true, "inputs": {"retentionInDays": 7, "kmsKeyId": "arn:aws:kms:me-central-1:111122223333:key/1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
