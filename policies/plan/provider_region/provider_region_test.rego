package falaj.plan.provider_region_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.provider_region as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_pinned_to_the_country if {
	answer == {
		"judged": {given.urn("pulumi:providers:aws", "aws")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:aws", "aws", {"region": "me-central-1"}),
	])
}

test_denied_pinned_elsewhere if {
	answer == {
		"judged": {given.urn("pulumi:providers:aws", "aws")},
		"fail": {given.urn("pulumi:providers:aws", "aws"): {"its region is eu-west-1; allowed: me-central-1"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:aws", "aws", {"region": "eu-west-1"}),
	])
}

test_unknown_no_region_at_all if {
	answer == {
		"judged": {given.urn("pulumi:providers:aws", "default_7_0_0")},
		"fail": {},
		"unknown": {given.urn("pulumi:providers:aws", "default_7_0_0"): {"it names no region, so the machine that runs it decides"}},
	} with input as given.plan([
		given.resource("pulumi:providers:aws", "default_7_0_0", {}),
	])
}
