package falaj.evidence.access_reviewed_test

import rego.v1

import data.falaj.evidence.access_reviewed as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"access_review"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"access_review"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"access_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"reviewer": "name", "identities": 12, "removed": 1, "open": 0}, "file": "access_review.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"reviewer": "name", "identities": 12, "removed": 1, "open": 0}, "file": "access_review.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"access_review"},
		"fail": {"access_review": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"access_review": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"access_review"},
		"fail": {"access_review": {"the newest is of 2021-01-01T00:00:00Z, more than 92 days ago"}},
		"unknown": {},
	} with input as given.evidence({"access_review": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"reviewer": "name", "identities": 12, "removed": 1, "open": 0}, "file": "access_review.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"access_review"},
		"fail": {"access_review": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"access_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"reviewer": "name", "identities": 12, "removed": 1, "open": 0}, "file": "access_review.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"access_review"},
		"fail": {"access_review": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"access_review": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"reviewer": "name", "identities": 12, "removed": 1, "open": 0}, "file": "access_review.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"access_review"},
		"fail": {},
		"unknown": {"access_review": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"access_review": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"access_review"},
		"fail": {},
		"unknown": {"access_review": {"its moment is no date"}},
	} with input as given.evidence({"access_review": [{"at": "lately", "by": "somebody", "facts": {"reviewer": "name", "identities": 12, "removed": 1, "open": 0}, "file": "access_review.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"access_review"},
		"fail": {},
		"unknown": {"access_review": {"it does not say reviewer"}},
	} with input as given.evidence({"access_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"reviewer": null, "identities": 12, "removed": 1, "open": 0}, "file": "access_review.json", "signed": true, "why": ""}]}, {})
}

test_denied_rights_left if {
	answer == {
		"judged": {"access_review"},
		"fail": {"access_review": {"3 rights that were to be taken back are still there"}},
		"unknown": {},
	} with input as given.evidence({"access_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"reviewer": "name", "identities": 12, "removed": 1, "open": 3}, "file": "access_review.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody if {
	answer == {
		"judged": {"access_review"},
		"fail": {"access_review": {"it looked at nobody"}},
		"unknown": {},
	} with input as given.evidence({"access_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"reviewer": "name", "identities": 0, "removed": 1, "open": 0}, "file": "access_review.json", "signed": true, "why": ""}]}, {})
}
