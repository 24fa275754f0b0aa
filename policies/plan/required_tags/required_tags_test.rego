package falaj.plan.required_tags_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.required_tags as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_its_own_tags if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data", "tags": {"owner": "ml", "environment": "prod", "data-class": "internal", "purpose": "training", "legal-basis": "contract", "retention": "1y"}}),
	])
}

test_denied_two_are_missing_one_of_them_empty if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "data"): {"missing tags: owner, purpose"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data", "tags": {"environment": "prod", "data-class": "internal", "purpose": "", "legal-basis": "contract", "retention": "1y"}}),
	])
}

test_denied_another_environment if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "data"): {"tag environment is dev, and the plan is for prod"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data", "tags": {"owner": "ml", "environment": "dev", "data-class": "internal", "purpose": "training", "legal-basis": "contract", "retention": "1y"}}),
	])
}

test_unknown_unknown_tags if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {},
		"unknown": {given.urn("aws:s3/bucket:Bucket", "data"): {"its tags are not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data", "tags": given.unknown}),
	])
}
