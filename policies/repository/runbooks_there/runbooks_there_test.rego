package falaj.repository.runbooks_there_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.repository.runbooks_there as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_all_there if {
	answer == {
		"judged": {"breach", "incident", "residency_exception", "restore_state", "rollback_release"},
		"fail": {},
		"unknown": {},
	} with input as given.repository({})
}

test_denied_none if {
	answer == {
		"judged": {"breach", "incident", "residency_exception", "restore_state", "rollback_release"},
		"fail": {"breach": {"there is no such runbook"}, "incident": {"there is no such runbook"}, "residency_exception": {"there is no such runbook"}, "restore_state": {"there is no such runbook"}, "rollback_release": {"there is no such runbook"}},
		"unknown": {},
	} with input as given.repository({"runbooks": {}})
}

test_denied_a_title_only if {
	answer == {
		"judged": {"breach", "incident", "residency_exception", "restore_state", "rollback_release"},
		"fail": {"incident": {"it does not say when it applies", "it has no steps"}},
		"unknown": {},
	} with input as given.repository({"runbooks": {"incident": {"error": "", "title": "T", "when": "", "steps": 0}, "breach": {"error": "", "title": "T", "when": "w", "steps": 4}, "residency_exception": {"error": "", "title": "T", "when": "w", "steps": 4}, "restore_state": {"error": "", "title": "T", "when": "w", "steps": 4}, "rollback_release": {"error": "", "title": "T", "when": "w", "steps": 4}}})
}

test_unknown_one_that_cannot_be_read if {
	answer == {
		"judged": {"breach", "incident", "residency_exception", "restore_state", "rollback_release"},
		"fail": {},
		"unknown": {"incident": {"it cannot be read: UnicodeDecodeError"}},
	} with input as given.repository({"runbooks": {"incident": {"error": "it cannot be read: UnicodeDecodeError", "title": "T", "when": "w", "steps": 4}, "breach": {"error": "", "title": "T", "when": "w", "steps": 4}, "residency_exception": {"error": "", "title": "T", "when": "w", "steps": 4}, "restore_state": {"error": "", "title": "T", "when": "w", "steps": 4}, "rollback_release": {"error": "", "title": "T", "when": "w", "steps": 4}}})
}
