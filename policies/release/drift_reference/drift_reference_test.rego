package falaj.release.drift_reference_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.release.drift_reference as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_reference_of_validation_rows if {
	answer == {
		"judged": {"drift"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_denied_a_reference_of_training_rows if {
	answer == {
		"judged": {"drift"},
		"fail": {"drift": {"its reference is made from the train rows"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"drift": {"reference": {"split": "train", "rows": 900}}}), given.observed)
}

test_denied_hardly_any_rows if {
	answer == {
		"judged": {"drift"},
		"fail": {"drift": {"its reference has 5 rows; at least 40 are needed"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"drift": {"reference": {"rows": 5}}}), given.observed)
}

test_denied_nothing_to_compare_at if {
	answer == {
		"judged": {"drift"},
		"fail": {"drift": {"it says at no number of requests when to compare"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"drift": {"windows": []}}), given.observed)
}

test_unknown_nothing_is_said if {
	answer == {
		"judged": {"drift"},
		"fail": {},
		"unknown": {"drift": {"nothing is said of it"}},
	} with input as given.release(json.remove(given.candidate, ["drift"]), given.observed)
}
