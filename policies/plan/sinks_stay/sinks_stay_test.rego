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
		"unknown": {"urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::a": {"where its logDestination leads is not known before an apply, and no reference says so"}, "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::b": {"where its extendedS3Configuration leads is not known before an apply, and no reference says so"}, "urn:pulumi:prod::app::aws:s3/bucketLogging:BucketLogging::c": {"where its targetBucket leads is not known before an apply, and no reference says so"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::a", "type": "aws:ec2/flowLog:FlowLog", "name": "a", "op": "create", "custom": true, "inputs": {"logDestination": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::b", "type": "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "name": "b", "op": "create", "custom": true, "inputs": {"extendedS3Configuration": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketLogging:BucketLogging::c", "type": "aws:s3/bucketLogging:BucketLogging", "name": "c", "op": "create", "custom": true, "inputs": {"targetBucket": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_firewall_that_logs_to_what_this_plan_makes if {
	answer == {
		"judged": {
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "s"),
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "a"),
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "b"),
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "c"),
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "e"),
		},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "d", {"bucket": "d"}),
		given.resource("aws:cloudwatch/logGroup:LogGroup", "g", {"name": "/firewall"}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "s", {"name": "s", "destination": "extended_s3", "extendedS3Configuration": {"bucketArn": "arn:aws:s3:::d"}}),
		given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "a", {"firewallArn": given.unknown, "loggingConfiguration": {"logDestinationConfigs": [{"logType": "ALERT", "logDestinationType": "S3", "logDestination": {"bucketName": "d"}}, {"logType": "FLOW", "logDestinationType": "CloudWatchLogs", "logDestination": {"logGroup": "/firewall"}}, {"logType": "TLS", "logDestinationType": "KinesisDataFirehose", "logDestination": {"deliveryStream": "s"}}]}}),
		given.referring(given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "b", {"firewallArn": given.unknown, "loggingConfiguration": {"logDestinationConfigs": [{"logType": "ALERT", "logDestinationType": "S3", "logDestination": {"bucketName": given.unknown}}]}}), {"loggingConfiguration": [["aws:s3/bucket:Bucket", "d"]]}),
		given.referring(given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "c", {"firewallArn": given.unknown, "loggingConfiguration": {"logDestinationConfigs": [{"logType": "ALERT", "logDestinationType": "CloudWatchLogs", "logDestination": {"logGroup": given.unknown}}]}}), {"loggingConfiguration": [["aws:cloudwatch/logGroup:LogGroup", "g"]]}),
		given.referring(given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "e", {"firewallArn": given.unknown, "loggingConfiguration": {"logDestinationConfigs": [{"logType": "ALERT", "logDestinationType": "KinesisDataFirehose", "logDestination": {"deliveryStream": given.unknown}}]}}), {"loggingConfiguration": [["aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "s"]]}),
	])
}

test_allowed_a_stream_to_stores_of_the_region if {
	answer == {
		"judged": {
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "a"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "b"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "c"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "e"),
		},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "d", {"bucket": "d"}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "a", {"extendedS3Configuration": {"bucketArn": "arn:aws:s3:::d", "s3BackupMode": "Enabled", "s3BackupConfiguration": {"bucketArn": "arn:aws:s3:::d/raw"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "b", {"redshiftConfiguration": {"clusterJdbcurl": "jdbc:redshift://c.abc.me-central-1.redshift.amazonaws.com:5439/db", "s3Configuration": {"bucketArn": "arn:aws:s3:::d"}, "s3BackupConfiguration": {"bucketArn": "arn:aws:s3:::d"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "c", {"opensearchConfiguration": {"clusterEndpoint": "https://search-c.me-central-1.es.amazonaws.com", "s3Configuration": {"bucketArn": "arn:aws:s3:::d"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "e", {"opensearchserverlessConfiguration": {"collectionEndpoint": "https://abc.me-central-1.aoss.amazonaws.com", "s3Configuration": {"bucketArn": "arn:aws:s3:::d"}}}),
	])
}

test_denied_a_stream_to_stores_abroad if {
	answer == {
		"judged": {
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "a"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "b"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "c"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "e"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "f"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "g"),
		},
		"fail": {
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "a"): {"it sends to c.abc.eu-west-1.redshift.amazonaws.com:5439, which is in no allowed region"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "b"): {"it sends to search-c.eu-west-1.es.amazonaws.com, which is in no allowed region"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "c"): {"it sends to abc.us-east-1.aoss.amazonaws.com, which is in no allowed region"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "e"): {"it sends to es.example.com, which is in no allowed region"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "f"): {"it sends to x.snowflakecomputing.com, which is in no allowed region"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "g"): {"it sends to me-central-1.s3.amazonaws.com, which is in no allowed region"},
		},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "d", {"bucket": "d"}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "a", {"redshiftConfiguration": {"clusterJdbcurl": "jdbc:redshift://c.abc.eu-west-1.redshift.amazonaws.com:5439/db", "s3Configuration": {"bucketArn": "arn:aws:s3:::d"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "b", {"opensearchConfiguration": {"clusterEndpoint": "https://search-c.eu-west-1.es.amazonaws.com", "s3Configuration": {"bucketArn": "arn:aws:s3:::d"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "c", {"opensearchserverlessConfiguration": {"collectionEndpoint": "https://abc.us-east-1.aoss.amazonaws.com", "s3Configuration": {"bucketArn": "arn:aws:s3:::d"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "e", {"elasticsearchConfiguration": {"clusterEndpoint": "https://es.example.com", "s3Configuration": {"bucketArn": "arn:aws:s3:::d"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "f", {"snowflakeConfiguration": {"accountUrl": "https://x.snowflakecomputing.com", "s3Configuration": {"bucketArn": "arn:aws:s3:::d"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "g", {"httpEndpointConfiguration": {"url": "https://me-central-1.s3.amazonaws.com", "s3Configuration": {"bucketArn": "arn:aws:s3:::d"}}}),
	])
}

test_unknown_a_firewall_that_logs_to_what_nobody_knows if {
	answer == {
		"judged": {
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "a"),
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "b"),
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "c"),
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "e"),
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "f"),
		},
		"fail": {},
		"unknown": {
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "a"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "b"): {"it sends to log group /elsewhere, which is not in this plan; who sends on from there, and to where, nobody can say"},
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "c"): {"it sends to delivery stream elsewhere, which is not in this plan; who sends on from there, and to where, nobody can say"},
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "e"): {"where its loggingConfiguration leads is not known before an apply, and no reference says so"},
			given.urn("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "f"): {"where its loggingConfiguration leads is not known before an apply, and no reference says so"},
		},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "d", {"bucket": "d"}),
		given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "a", {"firewallArn": given.unknown, "loggingConfiguration": {"logDestinationConfigs": [{"logType": "ALERT", "logDestinationType": "S3", "logDestination": {"bucketName": "elsewhere"}}, {"logType": "FLOW", "logDestinationType": "S3", "logDestination": {"bucketName": "d"}}]}}),
		given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "b", {"firewallArn": given.unknown, "loggingConfiguration": {"logDestinationConfigs": [{"logType": "ALERT", "logDestinationType": "CloudWatchLogs", "logDestination": {"logGroup": "/elsewhere"}}]}}),
		given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "c", {"firewallArn": given.unknown, "loggingConfiguration": {"logDestinationConfigs": [{"logType": "ALERT", "logDestinationType": "KinesisDataFirehose", "logDestination": {"deliveryStream": "elsewhere"}}]}}),
		given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "e", {"firewallArn": given.unknown, "loggingConfiguration": {"logDestinationConfigs": [{"logType": "ALERT", "logDestinationType": "S3", "logDestination": {"bucketName": given.unknown}}]}}),
		given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "f", {"firewallArn": given.unknown, "loggingConfiguration": given.unknown}),
	])
}

test_unknown_a_stream_with_its_copies_and_failures_elsewhere if {
	answer == {
		"judged": {
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "a"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "b"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "c"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "e"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "f"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "g"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "h"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "i"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "j"),
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "k"),
		},
		"fail": {},
		"unknown": {
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "a"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "b"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "c"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "e"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "f"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "g"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "h"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "i"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "j"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "k"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
		},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "d", {"bucket": "d"}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "a", {"extendedS3Configuration": {"bucketArn": "arn:aws:s3:::d", "s3BackupMode": "Enabled", "s3BackupConfiguration": {"bucketArn": "arn:aws:s3:::elsewhere"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "b", {"redshiftConfiguration": {"s3Configuration": {"bucketArn": "arn:aws:s3:::d"}, "s3BackupConfiguration": {"bucketArn": "arn:aws:s3:::elsewhere"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "c", {"redshiftConfiguration": {"s3Configuration": {"bucketArn": "arn:aws:s3:::elsewhere"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "e", {"elasticsearchConfiguration": {"s3Configuration": {"bucketArn": "arn:aws:s3:::elsewhere"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "f", {"icebergConfiguration": {"s3Configuration": {"bucketArn": "arn:aws:s3:::elsewhere"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "g", {"opensearchConfiguration": {"s3Configuration": {"bucketArn": "arn:aws:s3:::elsewhere"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "h", {"opensearchserverlessConfiguration": {"s3Configuration": {"bucketArn": "arn:aws:s3:::elsewhere"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "i", {"snowflakeConfiguration": {"s3Configuration": {"bucketArn": "arn:aws:s3:::elsewhere"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "j", {"splunkConfiguration": {"s3Configuration": {"bucketArn": "arn:aws:s3:::elsewhere"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "k", {"httpEndpointConfiguration": {"s3Configuration": {"bucketArn": "arn:aws:s3:::elsewhere"}}}),
	])
}

test_unknown_access_logs_deliveries_and_inventories_elsewhere if {
	answer == {
		"judged": {
			given.urn("aws:cfg/deliveryChannel:DeliveryChannel", "e"),
			given.urn("aws:lb/loadBalancer:LoadBalancer", "a"),
			given.urn("aws:lb/loadBalancer:LoadBalancer", "b"),
			given.urn("aws:s3/inventory:Inventory", "c"),
		},
		"fail": {},
		"unknown": {
			given.urn("aws:cfg/deliveryChannel:DeliveryChannel", "e"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:lb/loadBalancer:LoadBalancer", "a"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:lb/loadBalancer:LoadBalancer", "b"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
			given.urn("aws:s3/inventory:Inventory", "c"): {"it sends to bucket elsewhere, which is not in this plan and whose name does not say where it is"},
		},
	} with input as given.plan([
		given.resource("aws:lb/loadBalancer:LoadBalancer", "a", {"accessLogs": {"bucket": "elsewhere"}}),
		given.resource("aws:lb/loadBalancer:LoadBalancer", "b", {"connectionLogs": {"bucket": "elsewhere"}}),
		given.resource("aws:s3/inventory:Inventory", "c", {"destination": {"bucket": {"bucketArn": "arn:aws:s3:::elsewhere"}}}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "e", {"s3BucketName": "elsewhere"}),
	])
}

test_denied_addresses_in_capitals_and_without_saying_how_they_are_spoken_to if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::c", "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::d", "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::e", "urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::a"},
		"fail": {"urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::c": {"it sends to vpc-x.eu-west-1.es.amazonaws.com, which is in no allowed region"}, "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::d": {"it sends to x.eu-west-1.redshift.amazonaws.com:5439, which is in no allowed region"}, "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::e": {"it sends to me-central-1.amazonaws.com@example.com, which is in no allowed region"}, "urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::a": {"it sends to hooks.example.com, which is in no allowed region"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:sns/topicSubscription:TopicSubscription", "a", {"protocol": "https", "endpoint": "HTTPS://Hooks.example.com/x"}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "c", {"opensearchConfiguration": {"clusterEndpoint": "vpc-x.eu-west-1.es.amazonaws.com", "s3Configuration": {"bucketArn": "arn:aws:s3:::logs"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "d", {"redshiftConfiguration": {"clusterJdbcurl": "JDBC:redshift://x.eu-west-1.redshift.amazonaws.com:5439/d"}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "e", {"httpEndpointConfiguration": {"url": "//me-central-1.amazonaws.com@example.com"}}),
	])
}

test_allowed_hosts_of_the_region_in_capitals_and_without_saying_how_they_are_spoken_to if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::a", "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::c"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "a", {"elasticsearchConfiguration": {"clusterEndpoint": "vpc-x.me-central-1.es.amazonaws.com", "s3Configuration": {"bucketArn": "arn:aws:s3:::logs"}}}),
		given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "c", {"httpEndpointConfiguration": {"url": "HTTPS://aps.ME-CENTRAL-1.amazonaws.com/x"}}),
	])
}

test_unknown_an_address_known_later_beside_a_bucket_of_this_plan if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::a", "urn:pulumi:prod::app::aws:networkfirewall/loggingConfiguration:LoggingConfiguration::d", "urn:pulumi:prod::app::aws:networkfirewall/loggingConfiguration:LoggingConfiguration::e", "urn:pulumi:prod::app::aws:networkfirewall/loggingConfiguration:LoggingConfiguration::f", "urn:pulumi:prod::app::aws:s3/bucketLogging:BucketLogging::h", "urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::c"},
		"fail": {},
		"unknown": {
			"urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::a": {"where its httpEndpointConfiguration leads is not known before an apply, and no reference says so"},
			"urn:pulumi:prod::app::aws:networkfirewall/loggingConfiguration:LoggingConfiguration::d": {"where its loggingConfiguration leads is not known before an apply, and no reference says so"},
			"urn:pulumi:prod::app::aws:networkfirewall/loggingConfiguration:LoggingConfiguration::e": {"where its loggingConfiguration leads is not known before an apply, and no reference says so"},
			"urn:pulumi:prod::app::aws:networkfirewall/loggingConfiguration:LoggingConfiguration::f": {"where its loggingConfiguration leads is not known before an apply, and no reference says so"},
			"urn:pulumi:prod::app::aws:s3/bucketLogging:BucketLogging::h": {"where its targetBucket leads is not known before an apply, and no reference says so"},
			"urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::c": {"where its endpoint leads is not known before an apply, and no reference says so"},
		},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.referring(given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "a", {"httpEndpointConfiguration": {"url": given.unknown, "s3Configuration": {"bucketArn": given.unknown}}}), {"httpEndpointConfiguration": [["aws:s3/bucket:Bucket", "b"]]}),
		given.referring(given.resource("aws:sns/topicSubscription:TopicSubscription", "c", {"protocol": "https", "endpoint": given.unknown}), {"endpoint": [["aws:s3/bucket:Bucket", "b"]]}),
		given.referring(given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "d", {"loggingConfiguration": {"logDestinationConfigs": [{"logDestination": {"logGroup": given.unknown}}]}}), {"loggingConfiguration": [["aws:s3/bucket:Bucket", "b"]]}),
		given.referring(given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "e", {"loggingConfiguration": {"logDestinationConfigs": [{"logDestination": {"deliveryStream": given.unknown}}]}}), {"loggingConfiguration": [["aws:s3/bucket:Bucket", "b"]]}),
		given.resource("aws:cloudwatch/logGroup:LogGroup", "g", {"name": "/g"}),
		given.referring(given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "f", {"loggingConfiguration": {"logDestinationConfigs": [{"logDestination": {"bucketName": given.unknown}}]}}), {"loggingConfiguration": [["aws:cloudwatch/logGroup:LogGroup", "g"]]}),
		given.referring(given.resource("aws:s3/bucketLogging:BucketLogging", "h", {"targetBucket": given.unknown}), {"targetBucket": [["aws:cloudwatch/logGroup:LogGroup", "g"]]}),
	])
}

test_allowed_what_this_plan_makes_known_later if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::c", "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::d", "urn:pulumi:prod::app::aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream::s", "urn:pulumi:prod::app::aws:networkfirewall/loggingConfiguration:LoggingConfiguration::a", "urn:pulumi:prod::app::aws:sns/topicSubscription:TopicSubscription::e"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:cloudwatch/logGroup:LogGroup", "g", {"name": "/g"}),
		given.referring(given.resource("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "s", {"name": "s", "extendedS3Configuration": {"bucketArn": given.unknown}}), {"extendedS3Configuration": [["aws:s3/bucket:Bucket", "b"]]}),
		given.referring(given.resource("aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "a", {"loggingConfiguration": {"logDestinationConfigs": [{"logDestination": {"bucketName": given.unknown}}, {"logDestination": {"logGroup": given.unknown}}, {"logDestination": {"deliveryStream": given.unknown}}]}}), {"loggingConfiguration": [["aws:s3/bucket:Bucket", "b"], ["aws:cloudwatch/logGroup:LogGroup", "g"], ["aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "s"]]}),
		given.referring(given.resource("aws:ec2/flowLog:FlowLog", "c", {"logDestination": given.unknown}), {"logDestination": [["aws:cloudwatch/logGroup:LogGroup", "g"]]}),
		given.referring(given.resource("aws:ec2/flowLog:FlowLog", "d", {"logDestination": given.unknown}), {"logDestination": [["aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "s"]]}),
		given.referring(given.resource("aws:sns/topicSubscription:TopicSubscription", "e", {"protocol": "firehose", "endpoint": given.unknown}), {"endpoint": [["aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "s"]]}),
	])
}
