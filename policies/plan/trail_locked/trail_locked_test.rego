package falaj.plan.trail_locked_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.trail_locked as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_locked_bucket_by_name if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {"s3BucketName": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "objectLockEnabled": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration::d", "type": "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 365}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_locked_bucket_by_reference if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"s3BucketName": ["urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"]}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {"s3BucketName": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "objectLockEnabled": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration::d", "type": "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "rule": {"defaultRetention": {"mode": "GOVERNANCE", "years": 1}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_bucket if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t"},
		"fail": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t": {"it names no bucket"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {"s3BucketName": ""}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "objectLockEnabled": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration::d", "type": "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 365}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_bucket_that_is_not_locked if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t"},
		"fail": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t": {"no lock configuration with a retention belongs to its bucket", "object lock of its bucket is not on"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {"s3BucketName": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "objectLockEnabled": false}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_lock_without_a_retention if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t"},
		"fail": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t": {"no lock configuration with a retention belongs to its bucket"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {"s3BucketName": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "objectLockEnabled": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration::d", "type": "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_retention_of_no_days_of_no_mode if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::u"},
		"fail": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t": {"no lock configuration with a retention belongs to its bucket"}, "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::u": {"no lock configuration with a retention belongs to its bucket"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {"s3BucketName": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "objectLockEnabled": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration::d", "type": "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 0}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::u", "type": "aws:cloudtrail/trail:Trail", "name": "u", "op": "create", "custom": true, "inputs": {"s3BucketName": "e"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::e", "type": "aws:s3/bucket:Bucket", "name": "e", "op": "create", "custom": true, "inputs": {"bucket": "e", "objectLockEnabled": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration::e", "type": "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "name": "e", "op": "create", "custom": true, "inputs": {"bucket": "e", "rule": {"defaultRetention": {"days": 9}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_bucket_of_another_plan if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t": {"its bucket is not in this plan, so nobody can say whether it is locked"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {"s3BucketName": "elsewhere"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "objectLockEnabled": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration::d", "type": "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 365}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_bucket_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t": {"its bucket is not in this plan, so nobody can say whether it is locked"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {"s3BucketName": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "objectLockEnabled": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration::d", "type": "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 365}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_lock_of_some_bucket if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t": {"whether its bucket is locked is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {"s3BucketName": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "objectLockEnabled": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration::d", "type": "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": {"__falaj__": "unknown"}, "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 365}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_lock_of_some_length if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t": {"whether its bucket is locked is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {"s3BucketName": "d"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "objectLockEnabled": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration::d", "type": "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "rule": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
