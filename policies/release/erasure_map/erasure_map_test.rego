package falaj.release.erasure_map_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.release.erasure_map as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_every_row_has_a_subject if {
	answer == {
		"judged": {"erasure map"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_denied_rows_without_a_subject if {
	answer == {
		"judged": {"erasure map"},
		"fail": {"erasure map": {"it covers 900 rows of 1000"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"data": {"erasure": {"rows": 900}}}), given.observed)
}

test_denied_no_subject_at_all if {
	answer == {
		"judged": {"erasure map"},
		"fail": {"erasure map": {"it names no subject"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"data": {"erasure": {"subjects": 0}}}), given.observed)
}

test_denied_nothing_says_what_to_do if {
	answer == {
		"judged": {"erasure map"},
		"fail": {"erasure map": {"it has no how"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"data": {"erasure": {"how": ""}}}), given.observed)
}

test_denied_another_file if {
	answer == {
		"judged": {"erasure map"},
		"fail": {"erasure map": {"it is not the file that was written"}},
		"unknown": {},
	} with input as given.release(given.candidate, object.union(given.observed, {"prepare/erasure.json": "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}))
}

test_unknown_no_map if {
	answer == {
		"judged": {"erasure map"},
		"fail": {},
		"unknown": {"erasure map": {"there is none"}},
	} with input as given.release(json.remove(given.candidate, ["data/erasure"]), given.observed)
}

test_unknown_a_file_that_nobody_looked_at if {
	answer == {
		"judged": {"erasure map"},
		"fail": {},
		"unknown": {"erasure map": {"nobody has looked at its file"}},
	} with input as given.release(given.candidate, {path: digest | some path, digest in given.observed; path != "prepare/erasure.json"})
}
