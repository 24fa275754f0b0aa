package falaj.evidence.drift_watched_test

import rego.v1

import data.falaj.evidence.drift_watched as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"drift_run"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"drift_run"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"drift_run": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"state": "ok", "release": "r1-0a1b2c3d", "requests": 400, "action": ""}, "file": "drift_run.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"state": "ok", "release": "r1-0a1b2c3d", "requests": 400, "action": ""}, "file": "drift_run.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"drift_run"},
		"fail": {"drift_run": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"drift_run": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"drift_run"},
		"fail": {"drift_run": {"the newest is of 2021-01-01T00:00:00Z, more than 7 days ago"}},
		"unknown": {},
	} with input as given.evidence({"drift_run": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"state": "ok", "release": "r1-0a1b2c3d", "requests": 400, "action": ""}, "file": "drift_run.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"drift_run"},
		"fail": {"drift_run": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"drift_run": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"state": "ok", "release": "r1-0a1b2c3d", "requests": 400, "action": ""}, "file": "drift_run.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"drift_run"},
		"fail": {"drift_run": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"drift_run": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"state": "ok", "release": "r1-0a1b2c3d", "requests": 400, "action": ""}, "file": "drift_run.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"drift_run"},
		"fail": {},
		"unknown": {"drift_run": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"drift_run": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"drift_run"},
		"fail": {},
		"unknown": {"drift_run": {"its moment is no date"}},
	} with input as given.evidence({"drift_run": [{"at": "lately", "by": "somebody", "facts": {"state": "ok", "release": "r1-0a1b2c3d", "requests": 400, "action": ""}, "file": "drift_run.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"drift_run"},
		"fail": {},
		"unknown": {"drift_run": {"it does not say state"}},
	} with input as given.evidence({"drift_run": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"state": null, "release": "r1-0a1b2c3d", "requests": 400, "action": ""}, "file": "drift_run.json", "signed": true, "why": ""}]}, {})
}

test_allowed_drift_that_was_acted_on if {
	answer == {
		"judged": {"drift_run"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"drift_run": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"state": "drift", "release": "r1-0a1b2c3d", "requests": 400, "action": "retrained"}, "file": "drift_run.json", "signed": true, "why": ""}]}, {})
}

test_denied_drift_that_was_not if {
	answer == {
		"judged": {"drift_run"},
		"fail": {"drift_run": {"it found drift, and nothing was done about it"}},
		"unknown": {},
	} with input as given.evidence({"drift_run": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"state": "drift", "release": "r1-0a1b2c3d", "requests": 400, "action": ""}, "file": "drift_run.json", "signed": true, "why": ""}]}, {})
}

test_denied_another_state if {
	answer == {
		"judged": {"drift_run"},
		"fail": {"drift_run": {"its state is fine, which no drift run ends in"}},
		"unknown": {},
	} with input as given.evidence({"drift_run": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"state": "fine", "release": "r1-0a1b2c3d", "requests": 400, "action": ""}, "file": "drift_run.json", "signed": true, "why": ""}]}, {})
}
