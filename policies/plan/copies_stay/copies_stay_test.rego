package falaj.plan.copies_stay_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.copies_stay as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_single_region_key if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {}),
	])
}

test_denied_a_multi_region_key if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {given.urn("aws:kms/key:Key", "key"): {"a multi-region key can be copied to any region"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {"multiRegion": true}),
	])
}

test_denied_a_secret_with_a_replica_abroad if {
	answer == {
		"judged": {given.urn("aws:secretsmanager/secret:Secret", "secret")},
		"fail": {given.urn("aws:secretsmanager/secret:Secret", "secret"): {"it copies to eu-west-1; allowed: me-central-1"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:secretsmanager/secret:Secret", "secret", {"replicas": [{"region": "eu-west-1"}]}),
	])
}

test_unknown_a_bucket_of_somebody_else if {
	answer == {
		"judged": {given.urn("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "copy")},
		"fail": {},
		"unknown": {given.urn("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "copy"): {"it copies to bucket arn:aws:s3:::somebody-elses, which is not in this plan and whose name does not say where it is"}},
	} with input as given.plan([
		given.resource("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "copy", {"rules": [{"destination": {"bucket": "arn:aws:s3:::somebody-elses"}}]}),
	])
}
