package falaj.plan.bucket_private_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.bucket_private as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_all_four_settings_and_enforced_ownership if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
		given.resource("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "pab", {"bucket": "falaj-data", "blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": true}),
		given.resource("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "own", {"bucket": "falaj-data", "rule": {"objectOwnership": "BucketOwnerEnforced"}}),
	])
}

test_denied_a_bare_bucket if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "data"): {"no ownership control belongs to this bucket", "no public-access block belongs to this bucket"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
	])
}

test_denied_a_public_access_list if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "data"): {"its access list is public-read"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data", "acl": "public-read"}),
		given.resource("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "pab", {"bucket": "falaj-data", "blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": true}),
		given.resource("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "own", {"bucket": "falaj-data", "rule": {"objectOwnership": "BucketOwnerEnforced"}}),
	])
}

test_unknown_parts_that_do_not_say_whose_they_are if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {},
		"unknown": {given.urn("aws:s3/bucket:Bucket", "data"): {"nobody can say yet to which bucket the ownership control belongs", "nobody can say yet to which bucket the public-access block belongs"}},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
		given.resource("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "pab", {"bucket": given.unknown, "blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": true}),
		given.resource("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "own", {"bucket": given.unknown, "rule": {"objectOwnership": "BucketOwnerEnforced"}}),
	])
}
