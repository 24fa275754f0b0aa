package falaj.evidence.waivers_reviewed_test

import rego.v1

import data.falaj.evidence.waivers_reviewed as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"waiver_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"waivers": [{"id": "w1", "owner": "name", "reason": "why", "control": "what protects instead", "approvals": 2, "expires": "2026-12-31"}]}, "file": "waiver_review.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"waivers": [{"id": "w1", "owner": "name", "reason": "why", "control": "what protects instead", "approvals": 2, "expires": "2026-12-31"}]}, "file": "waiver_review.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {"waiver_review": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"waiver_review": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {"waiver_review": {"the newest is of 2021-01-01T00:00:00Z, more than 92 days ago"}},
		"unknown": {},
	} with input as given.evidence({"waiver_review": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"waivers": [{"id": "w1", "owner": "name", "reason": "why", "control": "what protects instead", "approvals": 2, "expires": "2026-12-31"}]}, "file": "waiver_review.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {"waiver_review": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"waiver_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"waivers": [{"id": "w1", "owner": "name", "reason": "why", "control": "what protects instead", "approvals": 2, "expires": "2026-12-31"}]}, "file": "waiver_review.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {"waiver_review": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"waiver_review": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"waivers": [{"id": "w1", "owner": "name", "reason": "why", "control": "what protects instead", "approvals": 2, "expires": "2026-12-31"}]}, "file": "waiver_review.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {},
		"unknown": {"waiver_review": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"waiver_review": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {},
		"unknown": {"waiver_review": {"its moment is no date"}},
	} with input as given.evidence({"waiver_review": [{"at": "lately", "by": "somebody", "facts": {"waivers": [{"id": "w1", "owner": "name", "reason": "why", "control": "what protects instead", "approvals": 2, "expires": "2026-12-31"}]}, "file": "waiver_review.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {},
		"unknown": {"waiver_review": {"it does not say waivers"}},
	} with input as given.evidence({"waiver_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"waivers": null}, "file": "waiver_review.json", "signed": true, "why": ""}]}, {})
}

test_allowed_none_in_force if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"waiver_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"waivers": []}, "file": "waiver_review.json", "signed": true, "why": ""}]}, {})
}

test_denied_half_of_one if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {"waiver_review": {"w1 has fewer than two approvals", "w1 has no control", "w1 has no reason"}},
		"unknown": {},
	} with input as given.evidence({"waiver_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"waivers": [{"id": "w1", "owner": "n", "reason": "", "control": null, "approvals": 1, "expires": "2026-12-31"}]}, "file": "waiver_review.json", "signed": true, "why": ""}]}, {})
}

test_denied_one_that_ended if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {"waiver_review": {"w1 ended on 2025-06-30"}},
		"unknown": {},
	} with input as given.evidence({"waiver_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"waivers": [{"id": "w1", "owner": "n", "reason": "r", "control": "c", "approvals": 2, "expires": "2025-06-30"}]}, "file": "waiver_review.json", "signed": true, "why": ""}]}, {})
}

test_unknown_one_without_an_end if {
	answer == {
		"judged": {"waiver_review"},
		"fail": {},
		"unknown": {"waiver_review": {"when w1 ends is no date"}},
	} with input as given.evidence({"waiver_review": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"waivers": [{"id": "w1", "owner": "n", "reason": "r", "control": "c", "approvals": 2, "expires": "never"}]}, "file": "waiver_review.json", "signed": true, "why": ""}]}, {})
}
