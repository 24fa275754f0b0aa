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

twins := [
	given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
	given.resource("aws:s3/bucket:Bucket", "other", {"bucket": "falaj-data"}),
]

versioning(name, status) := given.resource("aws:s3/bucketVersioning:BucketVersioning", name, {"bucket": "falaj-data", "versioningConfiguration": {"status": status}})

test_allowed_two_buckets_of_one_name_each_with_a_part_that_refers_to_it if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data"), given.urn("aws:s3/bucket:Bucket", "other")},
		"fail": {},
		"unknown": {},
	} with input as given.plan(array.concat(twins, [
		given.referring(versioning("one", "Enabled"), {"bucket": [["aws:s3/bucket:Bucket", "data"]]}),
		given.referring(versioning("two", "Enabled"), {"bucket": [["aws:s3/bucket:Bucket", "other"]]}),
	]))
}

test_denied_a_part_with_the_name_of_two_buckets_is_not_that_of_both if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data"), given.urn("aws:s3/bucket:Bucket", "other")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "other"): {"no versioning belongs to this bucket"}},
		"unknown": {},
	} with input as given.plan(array.concat(twins, [versioning("ver", "Enabled")]))
}
