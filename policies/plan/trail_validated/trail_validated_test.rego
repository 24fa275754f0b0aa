package falaj.plan.trail_validated_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.trail_validated as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_whole if {
	answer == {
		"judged": {given.urn("aws:cloudtrail/trail:Trail", "trail")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:cloudtrail/trail:Trail", "trail", {"isMultiRegionTrail": true, "enableLogFileValidation": true, "kmsKeyId": "arn:aws:kms:me-central-1:111122223333:key/1234"}),
	])
}

test_denied_nothing_is_said if {
	answer == {
		"judged": {given.urn("aws:cloudtrail/trail:Trail", "trail")},
		"fail": {given.urn("aws:cloudtrail/trail:Trail", "trail"): {"it is not encrypted with a key of ours", "it watches one region only", "its files cannot be proven unedited"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:cloudtrail/trail:Trail", "trail", {}),
	])
}

test_denied_the_provider_s_own_key if {
	answer == {
		"judged": {given.urn("aws:cloudtrail/trail:Trail", "trail")},
		"fail": {given.urn("aws:cloudtrail/trail:Trail", "trail"): {"it is not encrypted with a key of ours"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:cloudtrail/trail:Trail", "trail", {"isMultiRegionTrail": true, "enableLogFileValidation": true, "kmsKeyId": "alias/aws/cloudtrail"}),
	])
}

test_unknown_unknown_validation if {
	answer == {
		"judged": {given.urn("aws:cloudtrail/trail:Trail", "trail")},
		"fail": {},
		"unknown": {given.urn("aws:cloudtrail/trail:Trail", "trail"): {"enableLogFileValidation is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:cloudtrail/trail:Trail", "trail", {"isMultiRegionTrail": true, "enableLogFileValidation": given.unknown, "kmsKeyId": "arn:aws:kms:me-central-1:111122223333:key/1234"}),
	])
}
