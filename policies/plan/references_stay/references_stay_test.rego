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

test_allowed_names_that_look_like_profiles_and_are_none if {
	answer == {
		"judged": {
			given.urn("aws:ssm/parameter:Parameter", "a"),
			given.urn("aws:ssm/parameter:Parameter", "b"),
			given.urn("aws:ssm/parameter:Parameter", "c"),
			given.urn("kubernetes:apps/v1:Deployment", "d"),
		},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ssm/parameter:Parameter", "a", {"value": "us.example-1.com https://eu.cloud.langfuse.com us.i.posthog.com"}),
		given.resource("aws:ssm/parameter:Parameter", "b", {"value": "us.gcr.io/project/image-v1 eu.acme.logs-2024 us.openai.azure.com au.tar.bz2 bus.anthropic.claude-v1"}),
		given.resource("aws:ssm/parameter:Parameter", "c", {"value": "arn:aws:bedrock:me-central-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0"}),
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::d", "type": "kubernetes:apps/v1:Deployment", "name": "d", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "MODEL", "value": "anthropic.claude-sonnet-4-6"}, {"name": "QUEUE", "value": "arn:aws:sqs:me-central-1:333333333333:q"}]}]}}}}},
	])
}

test_denied_profiles_of_every_vendor if {
	answer == {
		"judged": {
			given.urn("aws:iam/policy:Policy", "e"),
			given.urn("aws:ssm/parameter:Parameter", "a"),
			given.urn("aws:ssm/parameter:Parameter", "b"),
			given.urn("aws:ssm/parameter:Parameter", "c"),
			given.urn("aws:ssm/parameter:Parameter", "d"),
			given.urn("aws:ssm/parameter:Parameter", "h"),
			given.urn("kubernetes:apps/v1:Deployment", "g"),
			given.urn("kubernetes:core/v1:ConfigMap", "f"),
		},
		"fail": {
			given.urn("aws:iam/policy:Policy", "e"): {"it calls a model through apac.nobody.thinker, which several regions answer", "it calls a model through global.*, which several regions answer"},
			given.urn("aws:ssm/parameter:Parameter", "a"): {"it calls a model through global.openai.gpt-oss-120b-1, which several regions answer"},
			given.urn("aws:ssm/parameter:Parameter", "b"): {"it calls a model through eu.nobody.thinker-v2, which several regions answer"},
			given.urn("aws:ssm/parameter:Parameter", "c"): {"it calls a model through jp.nobody.thinker-4.6, which several regions answer"},
			given.urn("aws:ssm/parameter:Parameter", "d"): {"it calls a model through us-gov.nobody.thinker-k2, which several regions answer"},
			given.urn("aws:ssm/parameter:Parameter", "h"): {"it calls a model through us.nobody.thinker-v1, which several regions answer"},
			given.urn("kubernetes:apps/v1:Deployment", "g"): {"it calls a model through global.anthropic.claude-sonnet-4-6, which several regions answer"},
			given.urn("kubernetes:core/v1:ConfigMap", "f"): {"it calls a model through ca.qwen.qwen3-coder-next, which several regions answer"},
		},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ssm/parameter:Parameter", "a", {"value": "global.openai.gpt-oss-120b-1:0"}),
		given.resource("aws:ssm/parameter:Parameter", "b", {"value": "eu.nobody.thinker-v2:0"}),
		given.resource("aws:ssm/parameter:Parameter", "c", {"value": "jp.nobody.thinker-4.6"}),
		given.resource("aws:ssm/parameter:Parameter", "d", {"value": "us-gov.nobody.thinker-k2"}),
		given.resource("aws:iam/policy:Policy", "e", {"policy": "{\"Statement\": [{\"Resource\": [\"arn:aws:bedrock:me-central-1:333333333333:inference-profile/global.*\", \"arn:aws:bedrock:me-central-1:333333333333:inference-profile/apac.nobody.thinker\"]}]}"}),
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:core/v1:ConfigMap::f", "type": "kubernetes:core/v1:ConfigMap", "name": "f", "op": "create", "custom": true, "inputs": {"data": {"models": "first\nca.qwen.qwen3-coder-next\n"}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::g", "type": "kubernetes:apps/v1:Deployment", "name": "g", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "MODEL", "value": "global.anthropic.claude-sonnet-4-6"}]}]}}}}},
		given.resource("aws:ssm/parameter:Parameter", "h", {"value": "inference-profile%2Fus.nobody.thinker-v1"}),
	])
}

test_denied_a_pod_that_is_told_of_a_queue_abroad if {
	answer == {
		"judged": {
			given.urn("kubernetes:apps/v1:Deployment", "a"),
			given.urn("kubernetes:apps/v1:Deployment", "b"),
		},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "a"): {"it refers to arn:aws:sqs:eu-west-1:, in eu-west-1; allowed: me-central-1"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::a", "type": "kubernetes:apps/v1:Deployment", "name": "a", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "QUEUE", "value": "arn:aws:sqs:eu-west-1:333333333333:q"}]}]}}}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::b", "type": "kubernetes:apps/v1:Deployment", "name": "b", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "QUEUE", "value": "arn:aws:sqs:me-central-1:333333333333:q"}]}]}}}}},
	])
}

test_unknown_what_a_pod_is_told if {
	answer == {
		"judged": {
			given.urn("kubernetes:apps/v1:Deployment", "a"),
			given.urn("kubernetes:apps/v1:Deployment", "b"),
		},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "a"): {"where its spec leads is not known before an apply, and no reference says whose it is"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::a", "type": "kubernetes:apps/v1:Deployment", "name": "a", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "MODEL", "value": given.unknown}]}]}}}}},
		{"property_dependencies": {"spec": ["urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"]}, "urn": "urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::b", "type": "kubernetes:apps/v1:Deployment", "name": "b", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "BUCKET", "value": given.unknown}]}]}}}}},
	])
}

test_allowed_what_only_groups_others if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:ConfigMap", "c")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:helm.sh/v4:Chart::a", "type": "kubernetes:helm.sh/v4:Chart", "name": "a", "op": "create", "custom": false, "inputs": {}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::random:index/randomId:RandomId::b", "type": "random:index/randomId:RandomId", "name": "b", "op": "create", "custom": true, "inputs": {"byteLength": 4}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:core/v1:ConfigMap::c", "type": "kubernetes:core/v1:ConfigMap", "name": "c", "op": "create", "custom": true, "inputs": {"data": {}}},
	])
}

test_unknown_a_subscription_and_a_filter_whose_end_is_secret if {
	answer == {
		"judged": {
			given.urn("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "b"),
			given.urn("aws:sns/topicSubscription:TopicSubscription", "a"),
		},
		"fail": {},
		"unknown": {
			given.urn("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "b"): {"where its destinationArn leads is not known before an apply, and no reference says whose it is"},
			given.urn("aws:sns/topicSubscription:TopicSubscription", "a"): {"where its endpoint leads is not known before an apply, and no reference says whose it is"},
		},
	} with input as given.plan([
		given.resource("aws:sns/topicSubscription:TopicSubscription", "a", {"endpoint": {"__falaj__": "secret"}}),
		given.resource("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "b", {"destinationArn": {"__falaj__": "secret"}}),
	])
}
