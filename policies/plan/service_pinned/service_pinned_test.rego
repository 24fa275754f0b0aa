package falaj.plan.service_pinned_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.service_pinned as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_services_of_the_region_and_one_that_was_reviewed if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:iam/role:Role::r", "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:iam/role:Role::r", "type": "aws:iam/role:Role", "name": "r", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_network_of_edges if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudfront/distribution:Distribution::d"},
		"fail": {"urn:pulumi:prod::app::aws:cloudfront/distribution:Distribution::d": {"service cloudfront cannot be pinned to a region, and is not on the list of those reviewed"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudfront/distribution:Distribution::d", "type": "aws:cloudfront/distribution:Distribution", "name": "d", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_listed_one_of_which_nobody_said_what_it_sees if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:route53/zone:Zone::z"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:route53/zone:Zone::z": {"what service route53 may see of ours is not said on the list"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:route53/zone:Zone::z", "type": "aws:route53/zone:Zone", "name": "z", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
