package falaj.evidence.change_recorded_test

import rego.v1

import data.falaj.evidence.change_recorded as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"change_record"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"change_record"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"change_record": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"plan": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "policy": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "state_serial": 1, "author": "name", "approver": "another name", "rollback": "commit or plan to go back to"}, "file": "change_record.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"plan": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "policy": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "state_serial": 1, "author": "name", "approver": "another name", "rollback": "commit or plan to go back to"}, "file": "change_record.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"change_record"},
		"fail": {"change_record": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"change_record": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"change_record"},
		"fail": {"change_record": {"the newest is of 2021-01-01T00:00:00Z, more than 31 days ago"}},
		"unknown": {},
	} with input as given.evidence({"change_record": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"plan": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "policy": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "state_serial": 1, "author": "name", "approver": "another name", "rollback": "commit or plan to go back to"}, "file": "change_record.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"change_record"},
		"fail": {"change_record": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"change_record": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"plan": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "policy": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "state_serial": 1, "author": "name", "approver": "another name", "rollback": "commit or plan to go back to"}, "file": "change_record.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"change_record"},
		"fail": {"change_record": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"change_record": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"plan": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "policy": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "state_serial": 1, "author": "name", "approver": "another name", "rollback": "commit or plan to go back to"}, "file": "change_record.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"change_record"},
		"fail": {},
		"unknown": {"change_record": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"change_record": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"change_record"},
		"fail": {},
		"unknown": {"change_record": {"its moment is no date"}},
	} with input as given.evidence({"change_record": [{"at": "lately", "by": "somebody", "facts": {"plan": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "policy": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "state_serial": 1, "author": "name", "approver": "another name", "rollback": "commit or plan to go back to"}, "file": "change_record.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"change_record"},
		"fail": {},
		"unknown": {"change_record": {"it does not say plan"}},
	} with input as given.evidence({"change_record": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"plan": null, "policy": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "state_serial": 1, "author": "name", "approver": "another name", "rollback": "commit or plan to go back to"}, "file": "change_record.json", "signed": true, "why": ""}]}, {})
}

test_denied_alone if {
	answer == {
		"judged": {"change_record"},
		"fail": {"change_record": {"author and approver are the same"}},
		"unknown": {},
	} with input as given.evidence({"change_record": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"plan": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "policy": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "state_serial": 1, "author": "Huda", "approver": "huda", "rollback": "commit or plan to go back to"}, "file": "change_record.json", "signed": true, "why": ""}]}, {})
}

test_denied_no_digests if {
	answer == {
		"judged": {"change_record"},
		"fail": {"change_record": {"its plan is no digest", "its policy is no digest"}},
		"unknown": {},
	} with input as given.evidence({"change_record": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"plan": "plan.json", "policy": "v1", "state_serial": 1, "author": "name", "approver": "another name", "rollback": "commit or plan to go back to"}, "file": "change_record.json", "signed": true, "why": ""}]}, {})
}
