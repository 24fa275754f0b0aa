package falaj.plan.key_rotated_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.key_rotated as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_rotated_with_the_longest_wait if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {"enableKeyRotation": true, "deletionWindowInDays": 30}),
	])
}

test_denied_rotation_is_not_said if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {given.urn("aws:kms/key:Key", "key"): {"rotation is off"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {}),
	])
}

test_denied_disabled if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {given.urn("aws:kms/key:Key", "key"): {"it is disabled"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {"enableKeyRotation": true, "isEnabled": false}),
	])
}

test_unknown_rotation_is_not_known_yet if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {},
		"unknown": {given.urn("aws:kms/key:Key", "key"): {"enableKeyRotation is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {"enableKeyRotation": given.unknown}),
	])
}
