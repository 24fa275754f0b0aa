package falaj.release.model_card_complete_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.release.model_card_complete as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_everything_is_said if {
	answer == {
		"judged": {"model card"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_denied_no_owner_and_no_limits if {
	answer == {
		"judged": {"model card"},
		"fail": {"model card": {"it says nothing of limits", "it says nothing of owner"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"model_card": {"owner": "", "limits": []}}), given.observed)
}

test_denied_no_energy if {
	answer == {
		"judged": {"model card"},
		"fail": {"model card": {"it says nothing of energy"}},
		"unknown": {},
	} with input as given.release(json.remove(given.candidate, ["model_card/energy"]), given.observed)
}

test_denied_a_task_without_a_score if {
	answer == {
		"judged": {"model card"},
		"fail": {"model card": {"it gives no score of int8 in task language", "it gives no score of int8 in task summarize"}},
		"unknown": {},
	} with input as given.release(json.remove(given.candidate, ["model_card/metrics/int8"]), given.observed)
}

test_denied_another_file if {
	answer == {
		"judged": {"model card"},
		"fail": {"model card": {"it is not the file that was written"}},
		"unknown": {},
	} with input as given.release(given.candidate, object.union(given.observed, {"evaluate/model_card.json": "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}))
}

test_unknown_no_card if {
	answer == {
		"judged": {"model card"},
		"fail": {},
		"unknown": {"model card": {"there is none"}},
	} with input as given.release(json.remove(given.candidate, ["model_card"]), given.observed)
}

test_unknown_a_file_that_nobody_looked_at if {
	answer == {
		"judged": {"model card"},
		"fail": {},
		"unknown": {"model card": {"nobody has looked at its file"}},
	} with input as given.release(given.candidate, {path: digest | some path, digest in given.observed; path != "evaluate/model_card.json"})
}
