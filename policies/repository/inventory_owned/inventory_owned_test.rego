package falaj.repository.inventory_owned_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.repository.inventory_owned as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_everything_is_named if {
	answer == {
		"judged": {"inventory", "stack foundation"},
		"fail": {},
		"unknown": {},
	} with input as given.repository({})
}

test_denied_no_inventory if {
	answer == {
		"judged": {"inventory", "stack foundation"},
		"fail": {"inventory": {"there is no docs/inventory.yaml"}},
		"unknown": {},
	} with input as given.repository({"inventory": {"there": false, "error": "", "content": {}}})
}

test_denied_a_stack_nobody_wrote_down if {
	answer == {
		"judged": {"inventory", "stack foundation", "stack new"},
		"fail": {"stack new": {"it is not in the inventory"}},
		"unknown": {},
	} with input as given.repository({"parts": ["stack foundation", "stack new"]})
}

test_denied_no_owner if {
	answer == {
		"judged": {"inventory", "stack foundation"},
		"fail": {"stack foundation": {"it has no owner"}},
		"unknown": {},
	} with input as given.repository({"inventory": {"there": true, "error": "", "content": {"reviewed": "2025-12-01", "items": [{"name": "stack foundation", "data_class": "internal"}]}}})
}

test_denied_years_ago if {
	answer == {
		"judged": {"inventory", "stack foundation"},
		"fail": {"inventory": {"it was looked at last on 2023-01-01, more than 366 days ago"}},
		"unknown": {},
	} with input as given.repository({"inventory": {"there": true, "error": "", "content": {"reviewed": "2023-01-01", "items": [{"name": "stack foundation", "owner": "ml-platform", "data_class": "internal"}]}}})
}

test_denied_tomorrow_s_work if {
	answer == {
		"judged": {"inventory", "stack foundation"},
		"fail": {"inventory": {"it says that it was looked at on 2027-02-01T00:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.repository({"inventory": {"there": true, "error": "", "content": {"reviewed": "2027-02-01T00:00:00Z", "items": [{"name": "stack foundation", "owner": "ml-platform", "data_class": "internal"}]}}})
}

test_unknown_no_date if {
	answer == {
		"judged": {"inventory", "stack foundation"},
		"fail": {},
		"unknown": {"inventory": {"when it was looked at last is no date"}},
	} with input as given.repository({"inventory": {"there": true, "error": "", "content": {"reviewed": 2026, "items": [{"name": "stack foundation", "owner": "ml-platform", "data_class": "internal"}]}}})
}

test_unknown_an_inventory_that_is_no_yaml if {
	answer == {
		"judged": {"inventory", "stack foundation"},
		"fail": {},
		"unknown": {"inventory": {"it is not YAML: x"}},
	} with input as given.repository({"inventory": {"there": true, "error": "it is not YAML: x", "content": {}}})
}

test_unknown_a_leap_day_in_a_common_year if {
	answer == {
		"judged": {"inventory", "stack foundation"},
		"fail": {},
		"unknown": {"inventory": {"when it was looked at last is no date"}},
	} with input as given.repository({"inventory": {"there": true, "error": "", "content": {"reviewed": "2025-02-29", "items": [{"name": "stack foundation", "owner": "ml-platform", "data_class": "internal"}]}}})
}
