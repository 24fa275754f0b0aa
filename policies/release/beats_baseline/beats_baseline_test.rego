package falaj.release.beats_baseline_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.release.beats_baseline as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_far_above if {
	answer == {
		"judged": {"full/language", "int8/language"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_allowed_no_task_that_is_held if {
	answer == {
		"judged": {"evaluation"},
		"fail": {},
		"unknown": {},
	} with input as given.release(json.remove(given.candidate, ["evaluation/tasks/language"]), given.observed)
}

test_denied_hardly_above if {
	answer == {
		"judged": {"full/language", "int8/language"},
		"fail": {"full/language": {"accuracy is 10 points above the majority baseline; 20 are needed"}, "int8/language": {"accuracy is 10 points above the majority baseline; 20 are needed"}},
		"unknown": {},
	} with input as given.release(object.union(json.remove(given.candidate, ["evaluation/baselines/lead8"]), {"evaluation": {"baselines": {"majority": {"language": {"accuracy": 0.7}}}}}), given.observed)
}

test_denied_a_tenth_of_a_point_below if {
	answer == {
		"judged": {"full/language", "int8/language"},
		"fail": {"full/language": {"accuracy is 19.9 points above the majority baseline; 20 are needed"}, "int8/language": {"accuracy is 19.9 points above the majority baseline; 20 are needed"}},
		"unknown": {},
	} with input as given.release(object.union(json.remove(given.candidate, ["evaluation/baselines/lead8"]), {"evaluation": {"baselines": {"majority": {"language": {"accuracy": 0.601}}}}}), given.observed)
}

test_unknown_a_baseline_that_is_no_number if {
	answer == {
		"judged": {"full/language", "int8/language"},
		"fail": {},
		"unknown": {"full/language": {"no baseline was measured"}, "int8/language": {"no baseline was measured"}},
	} with input as given.release(object.union(json.remove(given.candidate, ["evaluation/baselines/lead8"]), {"evaluation": {"baselines": {"majority": {"language": {"accuracy": "0.1"}}}}}), given.observed)
}

test_unknown_no_baseline if {
	answer == {
		"judged": {"full/language", "int8/language"},
		"fail": {},
		"unknown": {"full/language": {"no baseline was measured"}, "int8/language": {"no baseline was measured"}},
	} with input as given.release(json.remove(given.candidate, ["evaluation/baselines/majority", "evaluation/baselines/lead8"]), given.observed)
}
