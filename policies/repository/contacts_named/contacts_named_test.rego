package falaj.repository.contacts_named_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.repository.contacts_named as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_everybody_can_be_reached if {
	answer == {
		"judged": {"contacts"},
		"fail": {},
		"unknown": {},
	} with input as given.repository({})
}

test_denied_no_list if {
	answer == {
		"judged": {"contacts"},
		"fail": {"contacts": {"there is no docs/contacts.yaml"}},
		"unknown": {},
	} with input as given.repository({"contacts": {"there": false, "error": "", "content": {}}})
}

test_denied_nobody_at_the_regulator if {
	answer == {
		"judged": {"contacts"},
		"fail": {"contacts": {"nobody is named as regulator, with a way to reach them"}},
		"unknown": {},
	} with input as given.repository({"contacts": {"there": true, "error": "", "content": {"reviewed": "2025-12-01", "contacts": [{"role": "incident lead", "name": "n", "reach": "x"}, {"role": "data protection officer", "name": "n", "reach": "x"}]}}})
}

test_denied_years_ago if {
	answer == {
		"judged": {"contacts"},
		"fail": {"contacts": {"it was looked at last on 2023-01-01, more than 366 days ago"}},
		"unknown": {},
	} with input as given.repository({"contacts": {"there": true, "error": "", "content": {"reviewed": "2023-01-01", "contacts": [{"role": "incident lead", "name": "n", "reach": "x"}, {"role": "data protection officer", "name": "n", "reach": "x"}, {"role": "regulator", "name": "n", "reach": "x"}]}}})
}

test_denied_tomorrow_s_work if {
	answer == {
		"judged": {"contacts"},
		"fail": {"contacts": {"it says that it was looked at on 2027-01-01, which is still to come"}},
		"unknown": {},
	} with input as given.repository({"contacts": {"there": true, "error": "", "content": {"reviewed": "2027-01-01", "contacts": [{"role": "incident lead", "name": "n", "reach": "x"}, {"role": "data protection officer", "name": "n", "reach": "x"}, {"role": "regulator", "name": "n", "reach": "x"}]}}})
}

test_unknown_no_date if {
	answer == {
		"judged": {"contacts"},
		"fail": {},
		"unknown": {"contacts": {"when it was looked at last is no date"}},
	} with input as given.repository({"contacts": {"there": true, "error": "", "content": {"reviewed": "lately", "contacts": [{"role": "incident lead", "name": "n", "reach": "x"}, {"role": "data protection officer", "name": "n", "reach": "x"}, {"role": "regulator", "name": "n", "reach": "x"}]}}})
}

test_unknown_a_list_that_is_no_yaml if {
	answer == {
		"judged": {"contacts"},
		"fail": {},
		"unknown": {"contacts": {"it is not YAML: x"}},
	} with input as given.repository({"contacts": {"there": true, "error": "it is not YAML: x", "content": {}}})
}

test_unknown_a_day_that_does_not_exist if {
	answer == {
		"judged": {"contacts"},
		"fail": {},
		"unknown": {"contacts": {"when it was looked at last is no date"}},
	} with input as given.repository({"contacts": {"there": true, "error": "", "content": {"reviewed": "2025-02-30", "contacts": [{"role": "incident lead", "name": "n", "reach": "x"}, {"role": "data protection officer", "name": "n", "reach": "x"}, {"role": "regulator", "name": "n", "reach": "x"}]}}})
}
