package falaj.plan.no_plain_secrets_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.no_plain_secrets as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_secret_that_is_marked if {
	answer == {
		"judged": {given.urn("aws:rds/instance:Instance", "db")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:rds/instance:Instance", "db", {"password": {"__falaj__": "secret"}, "passwordLength": 12}),
	])
}

test_denied_a_password_in_sight if {
	answer == {
		"judged": {given.urn("aws:rds/instance:Instance", "db")},
		"fail": {given.urn("aws:rds/instance:Instance", "db"): {"password is plain text"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:rds/instance:Instance", "db", {"password": "hunter2"}),
	])
}

test_denied_an_unmarked_secret if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Secret", "db")},
		"fail": {given.urn("kubernetes:core/v1:Secret", "db"): {"stringData.user is plain text"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Secret", "db", {"stringData": {"user": "app"}}),
	])
}

test_unknown_a_password_known_later_and_not_marked if {
	answer == {
		"judged": {given.urn("aws:rds/instance:Instance", "db")},
		"fail": {},
		"unknown": {given.urn("aws:rds/instance:Instance", "db"): {"password may become plain text: it is not known before an apply, and not marked secret"}},
	} with input as given.plan([
		given.resource("aws:rds/instance:Instance", "db", {"password": given.unknown}),
	])
}
