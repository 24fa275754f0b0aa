package falaj.evidence.off_switch_tested_test

import rego.v1

import data.falaj.evidence.off_switch_tested as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"off_switch_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"took_back": "r2-0a1b2c3d", "to": "r1-0a1b2c3d", "succeeded": true, "seconds": 40}, "file": "off_switch_test.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"took_back": "r2-0a1b2c3d", "to": "r1-0a1b2c3d", "succeeded": true, "seconds": 40}, "file": "off_switch_test.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {"off_switch_test": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"off_switch_test": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {"off_switch_test": {"the newest is of 2021-01-01T00:00:00Z, more than 183 days ago"}},
		"unknown": {},
	} with input as given.evidence({"off_switch_test": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"took_back": "r2-0a1b2c3d", "to": "r1-0a1b2c3d", "succeeded": true, "seconds": 40}, "file": "off_switch_test.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {"off_switch_test": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"off_switch_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"took_back": "r2-0a1b2c3d", "to": "r1-0a1b2c3d", "succeeded": true, "seconds": 40}, "file": "off_switch_test.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {"off_switch_test": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"off_switch_test": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"took_back": "r2-0a1b2c3d", "to": "r1-0a1b2c3d", "succeeded": true, "seconds": 40}, "file": "off_switch_test.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {},
		"unknown": {"off_switch_test": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"off_switch_test": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {},
		"unknown": {"off_switch_test": {"its moment is no date"}},
	} with input as given.evidence({"off_switch_test": [{"at": "lately", "by": "somebody", "facts": {"took_back": "r2-0a1b2c3d", "to": "r1-0a1b2c3d", "succeeded": true, "seconds": 40}, "file": "off_switch_test.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {},
		"unknown": {"off_switch_test": {"it does not say succeeded"}},
	} with input as given.evidence({"off_switch_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"took_back": "r2-0a1b2c3d", "to": "r1-0a1b2c3d", "succeeded": null, "seconds": 40}, "file": "off_switch_test.json", "signed": true, "why": ""}]}, {})
}

test_denied_it_failed if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {"off_switch_test": {"it did not work"}},
		"unknown": {},
	} with input as given.evidence({"off_switch_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"took_back": "r2-0a1b2c3d", "to": "r1-0a1b2c3d", "succeeded": false, "seconds": 40}, "file": "off_switch_test.json", "signed": true, "why": ""}]}, {})
}

test_denied_nothing_changed if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {"off_switch_test": {"nothing was taken back: it names the same release twice"}},
		"unknown": {},
	} with input as given.evidence({"off_switch_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"took_back": "r1", "to": "r1", "succeeded": true, "seconds": 40}, "file": "off_switch_test.json", "signed": true, "why": ""}]}, {})
}

test_unknown_its_moment_is_missing if {
	answer == {
		"judged": {"off_switch_test"},
		"fail": {},
		"unknown": {"off_switch_test": {"its moment is no date"}},
	} with input as given.evidence({"off_switch_test": [{"by": "somebody", "facts": {"took_back": "r2-0a1b2c3d", "to": "r1-0a1b2c3d", "succeeded": true, "seconds": 40}, "file": "off_switch_test.json", "signed": true, "why": ""}]}, {})
}
