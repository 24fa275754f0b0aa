package falaj.plan.bucket_versioned_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.bucket_versioned as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_versions_are_kept if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
		given.resource("aws:s3/bucketVersioning:BucketVersioning", "ver", {"bucket": "falaj-data", "versioningConfiguration": {"status": "Enabled"}}),
	])
}

test_denied_a_bare_bucket if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "data"): {"no versioning belongs to this bucket"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
	])
}

test_denied_a_lock_without_a_retention if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "data"): {"its records are locked for 0 days; 365 are needed"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data", "tags": {"data-class": "evidence"}, "objectLockEnabled": true}),
		given.resource("aws:s3/bucketVersioning:BucketVersioning", "ver", {"bucket": "falaj-data", "versioningConfiguration": {"status": "Enabled"}}),
		given.resource("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "lock", {"bucket": "falaj-data"}),
	])
}

test_unknown_a_versioning_that_does_not_say_whose_it_is if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {},
		"unknown": {given.urn("aws:s3/bucket:Bucket", "data"): {"a versioning does not say yet which bucket it belongs to"}},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
		given.resource("aws:s3/bucketVersioning:BucketVersioning", "ver", {"bucket": given.unknown, "versioningConfiguration": {"status": "Enabled"}}),
	])
}
