package falaj.plan.data_origin_named_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.data_origin_named as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_personal_data_that_says_so_other_data_that_need_not if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a", "urn:pulumi:prod::app::aws:s3/bucket:Bucket::c"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::a", "type": "aws:s3/bucket:Bucket", "name": "a", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "personal", "data-origin": "real"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "internal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::c", "type": "aws:s3/bucket:Bucket", "name": "c", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "personal", "data-origin": "synthetic"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_by_the_provider_s_tags if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a", "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "op": "create", "custom": true, "inputs": {"defaultTags": "{\"tags\": {\"data-class\": \"personal\", \"data-origin\": \"real\"}}"}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::a", "type": "aws:s3/bucket:Bucket", "name": "a", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"tags": {"owner": "x"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_personal_data_that_says_nothing if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a": {"it holds personal, and tag data-origin does not say whether that is real"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::a", "type": "aws:s3/bucket:Bucket", "name": "a", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_personal_data_of_another_kind if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a": {"it holds data that is copied; allowed here: real, synthetic"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::a", "type": "aws:s3/bucket:Bucket", "name": "a", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "personal", "data-origin": "copied"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_nothing_said_by_the_provider_s_tags if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a": {"it holds personal, and tag data-origin does not say whether that is real"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "op": "create", "custom": true, "inputs": {"defaultTags": "{\"tags\": {\"data-class\": \"personal\"}}"}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::a", "type": "aws:s3/bucket:Bucket", "name": "a", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_tags_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a", "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "urn:pulumi:prod::app::aws:s3/bucket:Bucket::c"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a": {"its tags are not known before an apply, so nobody can say what it holds"}, "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"tag data-origin is not known before an apply"}, "urn:pulumi:prod::app::aws:s3/bucket:Bucket::c": {"its tags are not known before an apply, so nobody can say what it holds"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::a", "type": "aws:s3/bucket:Bucket", "name": "a", "op": "create", "custom": true, "inputs": {"tags": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "personal", "data-origin": {"__falaj__": "unknown"}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::c", "type": "aws:s3/bucket:Bucket", "name": "c", "op": "create", "custom": true, "inputs": {"tags": {"data-class": {"__falaj__": "unknown"}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_tags_of_its_own_that_are_nothing_and_personal_by_the_provider_s if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"it holds personal, and tag data-origin does not say whether that is real"}},
		"unknown": {},
	} with input as given.plan([
		object.union(given.resource("pulumi:providers:aws", "aws", {"region": "me-central-1", "defaultTags": `{"tags": {"data-class": "personal"}}`}), {"provider": null}),
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "x", "tags": null}),
	])
}
