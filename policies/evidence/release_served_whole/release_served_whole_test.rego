package falaj.evidence.release_served_whole_test

import rego.v1

import data.falaj.evidence.release_served_whole as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"release_served"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"release_served"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"release_served": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"release": "r1-0a1b2c3d", "registered": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "served": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}, "file": "release_served.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"release": "r1-0a1b2c3d", "registered": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "served": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}, "file": "release_served.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"release_served"},
		"fail": {"release_served": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"release_served": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"release_served"},
		"fail": {"release_served": {"the newest is of 2021-01-01T00:00:00Z, more than 7 days ago"}},
		"unknown": {},
	} with input as given.evidence({"release_served": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"release": "r1-0a1b2c3d", "registered": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "served": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}, "file": "release_served.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"release_served"},
		"fail": {"release_served": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"release_served": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"release": "r1-0a1b2c3d", "registered": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "served": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}, "file": "release_served.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"release_served"},
		"fail": {"release_served": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"release_served": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"release": "r1-0a1b2c3d", "registered": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "served": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}, "file": "release_served.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"release_served"},
		"fail": {},
		"unknown": {"release_served": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"release_served": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"release_served"},
		"fail": {},
		"unknown": {"release_served": {"its moment is no date"}},
	} with input as given.evidence({"release_served": [{"at": "lately", "by": "somebody", "facts": {"release": "r1-0a1b2c3d", "registered": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "served": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}, "file": "release_served.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"release_served"},
		"fail": {},
		"unknown": {"release_served": {"it does not say release"}},
	} with input as given.evidence({"release_served": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"release": null, "registered": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "served": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}, "file": "release_served.json", "signed": true, "why": ""}]}, {})
}

test_denied_another_model if {
	answer == {
		"judged": {"release_served"},
		"fail": {"release_served": {"a replica serves sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff; registered is sha256:0000000000000000000000000000000000000000000000000000000000000000"}},
		"unknown": {},
	} with input as given.evidence({"release_served": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"release": "r1-0a1b2c3d", "registered": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "served": ["sha256:0000000000000000000000000000000000000000000000000000000000000000", "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"]}, "file": "release_served.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_asked if {
	answer == {
		"judged": {"release_served"},
		"fail": {"release_served": {"it asked no replica"}},
		"unknown": {},
	} with input as given.evidence({"release_served": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"release": "r1-0a1b2c3d", "registered": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "served": []}, "file": "release_served.json", "signed": true, "why": ""}]}, {})
}

test_denied_a_version_for_a_digest if {
	answer == {
		"judged": {"release_served"},
		"fail": {"release_served": {"what was registered is no digest"}},
		"unknown": {},
	} with input as given.evidence({"release_served": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"release": "r1-0a1b2c3d", "registered": "r1", "served": ["r1"]}, "file": "release_served.json", "signed": true, "why": ""}]}, {})
}
