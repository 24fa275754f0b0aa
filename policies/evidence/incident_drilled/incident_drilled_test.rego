package falaj.evidence.incident_drilled_test

import rego.v1

import data.falaj.evidence.incident_drilled as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"incident_drill"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"incident_drill"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"incident_drill": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"runbook": "incident", "people": 4, "findings": 2, "open": 0}, "file": "incident_drill.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"runbook": "incident", "people": 4, "findings": 2, "open": 0}, "file": "incident_drill.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"incident_drill"},
		"fail": {"incident_drill": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"incident_drill": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"incident_drill"},
		"fail": {"incident_drill": {"the newest is of 2021-01-01T00:00:00Z, more than 366 days ago"}},
		"unknown": {},
	} with input as given.evidence({"incident_drill": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"runbook": "incident", "people": 4, "findings": 2, "open": 0}, "file": "incident_drill.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"incident_drill"},
		"fail": {"incident_drill": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"incident_drill": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"runbook": "incident", "people": 4, "findings": 2, "open": 0}, "file": "incident_drill.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"incident_drill"},
		"fail": {"incident_drill": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"incident_drill": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"runbook": "incident", "people": 4, "findings": 2, "open": 0}, "file": "incident_drill.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"incident_drill"},
		"fail": {},
		"unknown": {"incident_drill": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"incident_drill": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"incident_drill"},
		"fail": {},
		"unknown": {"incident_drill": {"its moment is no date"}},
	} with input as given.evidence({"incident_drill": [{"at": "lately", "by": "somebody", "facts": {"runbook": "incident", "people": 4, "findings": 2, "open": 0}, "file": "incident_drill.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"incident_drill"},
		"fail": {},
		"unknown": {"incident_drill": {"it does not say runbook"}},
	} with input as given.evidence({"incident_drill": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"runbook": null, "people": 4, "findings": 2, "open": 0}, "file": "incident_drill.json", "signed": true, "why": ""}]}, {})
}

test_denied_alone if {
	answer == {
		"judged": {"incident_drill"},
		"fail": {"incident_drill": {"fewer than two people took part"}},
		"unknown": {},
	} with input as given.evidence({"incident_drill": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"runbook": "incident", "people": 1, "findings": 2, "open": 0}, "file": "incident_drill.json", "signed": true, "why": ""}]}, {})
}

test_denied_another_page if {
	answer == {
		"judged": {"incident_drill"},
		"fail": {"incident_drill": {"lunch is no runbook of an incident"}},
		"unknown": {},
	} with input as given.evidence({"incident_drill": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"runbook": "lunch", "people": 4, "findings": 2, "open": 0}, "file": "incident_drill.json", "signed": true, "why": ""}]}, {})
}
