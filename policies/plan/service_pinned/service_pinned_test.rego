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

test_denied_service_cloudfront_of_the_whole_world if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudfront/distribution:Distribution::x"},
		"fail": {"urn:pulumi:prod::app::aws:cloudfront/distribution:Distribution::x": {"service cloudfront cannot be pinned to a region, and is not on the list of those reviewed"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudfront/distribution:Distribution::x", "type": "aws:cloudfront/distribution:Distribution", "name": "x", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_service_globalaccelerator_of_the_whole_world if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:globalaccelerator/accelerator:Accelerator::x"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:globalaccelerator/accelerator:Accelerator::x", "type": "aws:globalaccelerator/accelerator:Accelerator", "name": "x", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_service_waf_of_the_whole_world if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:waf/webAcl:WebAcl::x"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:waf/webAcl:WebAcl::x", "type": "aws:waf/webAcl:WebAcl", "name": "x", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_service_shield_of_the_whole_world if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:shield/protection:Protection::x"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:shield/protection:Protection::x", "type": "aws:shield/protection:Protection", "name": "x", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_service_organizations_of_the_whole_world if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:organizations/account:Account::x"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:organizations/account:Account::x", "type": "aws:organizations/account:Account", "name": "x", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_service_ssoadmin_of_the_whole_world if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ssoadmin/permissionSet:PermissionSet::x"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ssoadmin/permissionSet:PermissionSet::x", "type": "aws:ssoadmin/permissionSet:PermissionSet", "name": "x", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_service_chime_of_the_whole_world if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:chime/voiceConnector:VoiceConnector::x"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:chime/voiceConnector:VoiceConnector::x", "type": "aws:chime/voiceConnector:VoiceConnector", "name": "x", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_names_of_the_whole_world_of_which_nobody_says_what_they_show if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:route53/zone:Zone::x"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:route53/zone:Zone::x": {"what service route53 may see of ours is not said on the list"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:route53/zone:Zone::x", "type": "aws:route53/zone:Zone", "name": "x", "op": "create", "custom": true, "inputs": {"name": "example.org"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
