package falaj.plan.bucket_expires_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.bucket_expires as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_old_versions_and_unfinished_uploads_go if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"bucket": "b"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration::l", "type": "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "name": "l", "op": "create", "custom": true, "inputs": {"bucket": "b", "rules": [{"status": "Enabled", "noncurrentVersionExpiration": {"noncurrentDays": 30}, "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_lifecycle if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"no lifecycle belongs to this bucket"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"bucket": "b"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_lifecycle_from_nowhere if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"a lifecycle does not say yet which bucket it belongs to"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"bucket": "b"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration::l", "type": "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "name": "l", "op": "create", "custom": true, "inputs": {"bucket": {"__falaj__": "unknown"}, "rules": []}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_rule_that_is_off if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"no rule of its lifecycle that is on says when old versions are deleted", "no rule of its lifecycle that is on says when unfinished uploads are dropped"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"bucket": "b"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration::l", "type": "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "name": "l", "op": "create", "custom": true, "inputs": {"bucket": "b", "rules": [{"status": "Disabled", "noncurrentVersionExpiration": {"noncurrentDays": 30}, "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_unknown_rules if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"the rules of its lifecycle are not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"bucket": "b"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration::l", "type": "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "name": "l", "op": "create", "custom": true, "inputs": {"bucket": "b", "rules": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
