package falaj.plan.sinks_stay_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.sinks_stay as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_buckets_of_this_plan_by_name_by_arn_and_by_reference if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cfg/deliveryChannel:DeliveryChannel::e", "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::a", "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::b", "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::c", "urn:pulumi:prod::app::aws:lb/loadBalancer:LoadBalancer::g", "urn:pulumi:prod::app::aws:s3/bucketLogging:BucketLogging::f", "urn:pulumi:prod::app::aws:s3/inventory:Inventory::h"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::a", "type": "aws:cloudtrail/trail:Trail", "name": "a", "op": "create", "custom": true, "inputs": {"s3BucketName": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::b", "type": "aws:ec2/flowLog:FlowLog", "name": "b", "op": "create", "custom": true, "inputs": {"logDestination": "arn:aws:s3:::d/AWSLogs"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"logDestination": ["urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"]}, "urn": "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::c", "type": "aws:ec2/flowLog:FlowLog", "name": "c", "op": "create", "custom": true, "inputs": {"logDestination": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cfg/deliveryChannel:DeliveryChannel::e", "type": "aws:cfg/deliveryChannel:DeliveryChannel", "name": "e", "op": "create", "custom": true, "inputs": {"s3BucketName": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketLogging:BucketLogging::f", "type": "aws:s3/bucketLogging:BucketLogging", "name": "f", "op": "create", "custom": true, "inputs": {"targetBucket": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:lb/loadBalancer:LoadBalancer::g", "type": "aws:lb/loadBalancer:LoadBalancer", "name": "g", "op": "create", "custom": true, "inputs": {"accessLogs": {"bucket": "d"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/inventory:Inventory::h", "type": "aws:s3/inventory:Inventory", "name": "h", "op": "create", "custom": true, "inputs": {"destination": {"bucket": {"bucketArn": "arn:aws:s3:::d"}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_hosts_of_the_region_and_a_queue if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::a", "urn:pulumi:prod::app::aws:lb/loadBalancer:LoadBalancer::d", "urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::b", "urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::c"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::a", "type": "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "name": "a", "op": "create", "custom": true, "inputs": {"httpEndpointConfiguration": {"url": "https://aps.me-central-1.amazonaws.com/x", "s3Configuration": {"bucketArn": "arn:aws:s3:::d"}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::b", "type": "aws:sns/topicSubscription:TopicSubscription", "name": "b", "op": "create", "custom": true, "inputs": {"protocol": "sqs", "endpoint": "arn:aws:sqs:me-central-1:333333333333:q"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::c", "type": "aws:sns/topicSubscription:TopicSubscription", "name": "c", "op": "create", "custom": true, "inputs": {"protocol": "email", "endpoint": "people@example.org"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:lb/loadBalancer:LoadBalancer::d", "type": "aws:lb/loadBalancer:LoadBalancer", "name": "d", "op": "create", "custom": true, "inputs": {"name": "x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_addresses_on_the_internet if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudwatch/eventApiDestination:EventApiDestination::d", "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::a", "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::b", "urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::c"},
		"fail": {"urn:pulumi:prod::app::aws:cloudwatch/eventApiDestination:EventApiDestination::d": {"it sends to s3.eu-west-1.amazonaws.com, which is in no allowed region"}, "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::a": {"it sends to logs.example.com, which is in no allowed region"}, "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::b": {"it sends to http-inputs.example.com:443, which is in no allowed region"}, "urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::c": {"it sends to hooks.example.com, which is in no allowed region"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::a", "type": "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "name": "a", "op": "create", "custom": true, "inputs": {"httpEndpointConfiguration": {"url": "https://logs.example.com/v1", "s3Configuration": {"bucketArn": "arn:aws:s3:::d"}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::b", "type": "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "name": "b", "op": "create", "custom": true, "inputs": {"splunkConfiguration": {"hecEndpoint": "https://http-inputs.example.com:443"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::c", "type": "aws:sns/topicSubscription:TopicSubscription", "name": "c", "op": "create", "custom": true, "inputs": {"protocol": "https", "endpoint": "https://hooks.example.com"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudwatch/eventApiDestination:EventApiDestination::d", "type": "aws:cloudwatch/eventApiDestination:EventApiDestination", "name": "d", "op": "create", "custom": true, "inputs": {"invocationEndpoint": "https://s3.eu-west-1.amazonaws.com/x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_buckets_of_nobody_knows_where if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::a", "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::b", "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::c"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::a": {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"}, "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::b": {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"}, "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::c": {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::a", "type": "aws:cloudtrail/trail:Trail", "name": "a", "op": "create", "custom": true, "inputs": {"s3BucketName": "elsewhere"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::b", "type": "aws:ec2/flowLog:FlowLog", "name": "b", "op": "create", "custom": true, "inputs": {"logDestination": "arn:aws:s3:::elsewhere/x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::c", "type": "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "name": "c", "op": "create", "custom": true, "inputs": {"extendedS3Configuration": {"bucketArn": "arn:aws:s3:::elsewhere"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_sinks_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::a", "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::b", "urn:pulumi:prod::app::aws:s3/bucketLogging:BucketLogging::c"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::a": {"where its logDestination leads is not known before an apply, and no reference says which bucket it is"}, "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::b": {"where its extendedS3Configuration leads is not known before an apply, and no reference says which bucket it is"}, "urn:pulumi:prod::app::aws:s3/bucketLogging:BucketLogging::c": {"where its targetBucket leads is not known before an apply, and no reference says which bucket it is"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::a", "type": "aws:ec2/flowLog:FlowLog", "name": "a", "op": "create", "custom": true, "inputs": {"logDestination": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::b", "type": "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "name": "b", "op": "create", "custom": true, "inputs": {"extendedS3Configuration": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketLogging:BucketLogging::c", "type": "aws:s3/bucketLogging:BucketLogging", "name": "c", "op": "create", "custom": true, "inputs": {"targetBucket": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
