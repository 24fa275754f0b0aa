package falaj.release.quality_floor_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.release.quality_floor as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_above_every_floor if {
	answer == {
		"judged": {"full/language", "full/summarize", "int8/language", "int8/summarize"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_denied_the_small_model_is_below if {
	answer == {
		"judged": {"full/language", "full/summarize", "int8/language", "int8/summarize"},
		"fail": {"int8/language": {"accuracy is 0.2; at least 0.3 is needed"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"evaluation": {"models": {"int8": {"language": {"accuracy": 0.2}}}}}), given.observed)
}

test_unknown_one_score_is_missing if {
	answer == {
		"judged": {"full/language", "full/summarize", "int8/language", "int8/summarize"},
		"fail": {},
		"unknown": {"int8/language": {"accuracy was not measured"}},
	} with input as given.release(json.remove(given.candidate, ["evaluation/models/int8/language/accuracy"]), given.observed)
}

test_denied_below_the_floor_that_a_task_has_of_its_own if {
	answer.fail == {"full/hard": {"accuracy is 0.01; at least 0.05 is needed"}} with input as given.release(
		object.union(given.candidate, {"evaluation": {
			"tasks": {"hard": {"metric": "accuracy", "rows": 100}},
			"models": {"full": {"hard": {"accuracy": 0.01}}, "int8": {"hard": {"accuracy": 0.06}}},
		}}),
		given.observed,
	)
}
