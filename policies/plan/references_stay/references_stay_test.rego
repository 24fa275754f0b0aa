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

test_denied_a_log_subscription_a_stream_and_a_flow_log_that_lead_abroad if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter::a", "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::c", "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::b"},
		"fail": {"urn:pulumi:prod::app::aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter::a": {"it refers to arn:aws:firehose:eu-west-1:, in eu-west-1; allowed: me-central-1"}, "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::c": {"it refers to arn:aws:logs:me-south-1:, in me-south-1; allowed: me-central-1"}, "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::b": {"it refers to arn:aws:kinesis:us-east-1:, in us-east-1; allowed: me-central-1"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter::a", "type": "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "name": "a", "op": "create", "custom": true, "inputs": {"destinationArn": "arn:aws:firehose:eu-west-1:333333333333:deliverystream/x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::b", "type": "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "name": "b", "op": "create", "custom": true, "inputs": {"kinesisSourceConfiguration": {"kinesisStreamArn": "arn:aws:kinesis:us-east-1:333333333333:stream/x"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::c", "type": "aws:ec2/flowLog:FlowLog", "name": "c", "op": "create", "custom": true, "inputs": {"logDestination": "arn:aws:logs:me-south-1:333333333333:log-group:x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_global_and_continental_inference_profiles if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:iam/policy:Policy::a", "urn:pulumi:prod::app::aws:lambda/function:Function::b"},
		"fail": {"urn:pulumi:prod::app::aws:iam/policy:Policy::a": {"it calls a model through global.anthropic.claude-sonnet-4-5-20250929-v1, which several regions answer"}, "urn:pulumi:prod::app::aws:lambda/function:Function::b": {"it calls a model through eu.amazon.nova-lite-v1, which several regions answer"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:iam/policy:Policy::a", "type": "aws:iam/policy:Policy", "name": "a", "op": "create", "custom": true, "inputs": {"policy": "{\"Statement\": [{\"Resource\": \"arn:aws:bedrock:me-central-1:333333333333:inference-profile/global.anthropic.claude-sonnet-4-5-20250929-v1:0\"}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:lambda/function:Function::b", "type": "aws:lambda/function:Function", "name": "b", "op": "create", "custom": true, "inputs": {"environment": {"variables": {"MODEL": "eu.amazon.nova-lite-v1:0"}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_setting_that_nothing_refers_to_and_not_one_that_refers_to_a_key if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudwatch/logGroup:LogGroup::l", "urn:pulumi:prod::app::aws:lambda/function:Function::f"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:lambda/function:Function::f": {"where its environment leads is not known before an apply, and no reference says whose it is"}},
	} with input as given.plan([
		given.resource("aws:lambda/function:Function", "f", {"environment": {"variables": {"SEND_TO": given.unknown}}}),
		given.referring(given.resource("aws:cloudwatch/logGroup:LogGroup", "l", {"kmsKeyId": given.unknown}), {"kmsKeyId": [["aws:kms/key:Key", "k"]]}),
	])
}
