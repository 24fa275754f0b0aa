package falaj.release.compression_loss_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.release.compression_loss as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_small_loss if {
	answer == {
		"judged": {"int8/language", "int8/summarize"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_denied_too_large_a_loss if {
	answer == {
		"judged": {"int8/language", "int8/summarize"},
		"fail": {"int8/summarize": {"rougeL fell from 0.3 to 0.28, a loss of 6.7 %; at most 2 % is allowed"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"evaluation": {"models": {"int8": {"summarize": {"rougeL": 0.28}}}}}), given.observed)
}

test_unknown_the_small_model_was_not_measured if {
	answer == {
		"judged": {"int8/language", "int8/summarize"},
		"fail": {},
		"unknown": {"int8/language": {"accuracy of int8 was not measured"}, "int8/summarize": {"rougeL of int8 was not measured"}},
	} with input as given.release(json.remove(given.candidate, ["evaluation/models/int8"]), given.observed)
}
