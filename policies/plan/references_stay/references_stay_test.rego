package falaj.plan.references_stay_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.references_stay as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_sink_in_the_country if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter::s"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter::s", "type": "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "name": "s", "op": "create", "custom": true, "inputs": {"destinationArn": "arn:aws:logs:me-central-1:111122223333:destination:x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_sink_abroad if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter::s"},
		"fail": {"urn:pulumi:prod::app::aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter::s": {"it refers to arn:aws:kinesis:eu-west-1:, in eu-west-1; allowed: me-central-1"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter::s", "type": "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "name": "s", "op": "create", "custom": true, "inputs": {"destinationArn": "arn:aws:kinesis:eu-west-1:111122223333:stream/x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_sink_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudwatch/eventTarget:EventTarget::t"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:cloudwatch/eventTarget:EventTarget::t": {"where its arn leads is not known before an apply, and no reference says whose it is"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudwatch/eventTarget:EventTarget::t", "type": "aws:cloudwatch/eventTarget:EventTarget", "name": "t", "op": "create", "custom": true, "inputs": {"arn": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
