package falaj.plan.values_hold_no_credential_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.values_hold_no_credential as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_values_that_look_like_no_credential if {
	answer == {
		"judged": {given.urn("aws:batch/jobDefinition:JobDefinition", "job")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:batch/jobDefinition:JobDefinition", "job", {"containerProperties": "https://hub.example/user/repository", "name": {"__falaj__": "secret"}}),
	])
}

test_denied_an_access_key_in_some_text if {
	answer == {
		"judged": {given.urn("aws:batch/jobDefinition:JobDefinition", "job")},
		"fail": {given.urn("aws:batch/jobDefinition:JobDefinition", "job"): {"parameters.0.note holds an AWS access key"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:batch/jobDefinition:JobDefinition", "job", {"parameters": [{"note": "use AKIAIOSFODNN7EXAMPLE"}]}),
	])
}

test_unknown_a_value_that_nothing_tells_of if {
	answer == {
		"judged": {given.urn("aws:batch/jobDefinition:JobDefinition", "job")},
		"fail": {},
		"unknown": {given.urn("aws:batch/jobDefinition:JobDefinition", "job"): {"containerProperties may hold a credential: it is not known before an apply, and no reference says what it is made of"}},
	} with input as given.plan([
		given.resource("aws:batch/jobDefinition:JobDefinition", "job", {"containerProperties": given.unknown}),
	])
}

test_allowed_a_value_that_a_reference_tells_of if {
	answer == {
		"judged": {given.urn("aws:batch/jobDefinition:JobDefinition", "job")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		object.union(
			given.resource("aws:batch/jobDefinition:JobDefinition", "job", {"containerProperties": given.unknown}),
			{"property_dependencies": {"containerProperties": ["urn:pulumi:prod::app::aws:ecr/repository:Repository::images"]}},
		),
	])
}
