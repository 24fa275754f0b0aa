package falaj.release.worst_slice_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.release.worst_slice as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_all_alike if {
	answer == {
		"judged": {"full/language/label c", "full/language/whole", "full/summarize/whole", "int8/language/label c", "int8/language/whole", "int8/summarize/whole"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_allowed_too_few_rows_to_say if {
	answer == {
		"judged": {"full/language/label c", "full/language/whole", "full/summarize/whole", "int8/language/label c", "int8/language/whole", "int8/summarize/whole"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_denied_a_label_that_is_never_right if {
	answer == {
		"judged": {"full/language/label c", "full/language/whole", "full/summarize/whole", "int8/language/label c", "int8/language/whole", "int8/summarize/whole"},
		"fail": {"full/language/label c": {"it reaches 0.1; its task reaches 0.8, and 50 % of that is the floor"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"evaluation": {"slices": {"full": {"language": {"label c": {"score": 0.1}}}}}}), given.observed)
}

test_denied_compression_harms_one_label if {
	answer == {
		"judged": {"full/language/label c", "full/language/whole", "full/summarize/whole", "int8/language/label c", "int8/language/whole", "int8/summarize/whole"},
		"fail": {"int8/language/label c": {"compression took it from 0.75 to 0.5, more than 15 %"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"evaluation": {"slices": {"int8": {"language": {"label c": {"score": 0.5}}}}}}), given.observed)
}

test_unknown_no_slices if {
	answer == {
		"judged": {"slices"},
		"fail": {},
		"unknown": {"slices": {"no slices were measured"}},
	} with input as given.release(json.remove(given.candidate, ["evaluation/slices"]), given.observed)
}
