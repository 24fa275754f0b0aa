package falaj.evidence.weaknesses_closed_test

import rego.v1

import data.falaj.evidence.weaknesses_closed as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"vulnerability_scan": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"tool": "name and version", "targets": ["requirements/all.txt"], "open": [{"id": "CVE-2026-0001", "severity": "high", "since": "2025-12-20"}]}, "file": "vulnerability_scan.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"tool": "name and version", "targets": ["requirements/all.txt"], "open": [{"id": "CVE-2026-0001", "severity": "high", "since": "2025-12-20"}]}, "file": "vulnerability_scan.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {"vulnerability_scan": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"vulnerability_scan": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {"vulnerability_scan": {"the newest is of 2021-01-01T00:00:00Z, more than 7 days ago"}},
		"unknown": {},
	} with input as given.evidence({"vulnerability_scan": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"tool": "name and version", "targets": ["requirements/all.txt"], "open": [{"id": "CVE-2026-0001", "severity": "high", "since": "2025-12-20"}]}, "file": "vulnerability_scan.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {"vulnerability_scan": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"vulnerability_scan": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"tool": "name and version", "targets": ["requirements/all.txt"], "open": [{"id": "CVE-2026-0001", "severity": "high", "since": "2025-12-20"}]}, "file": "vulnerability_scan.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {"vulnerability_scan": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"vulnerability_scan": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"tool": "name and version", "targets": ["requirements/all.txt"], "open": [{"id": "CVE-2026-0001", "severity": "high", "since": "2025-12-20"}]}, "file": "vulnerability_scan.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {},
		"unknown": {"vulnerability_scan": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"vulnerability_scan": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {},
		"unknown": {"vulnerability_scan": {"its moment is no date"}},
	} with input as given.evidence({"vulnerability_scan": [{"at": "lately", "by": "somebody", "facts": {"tool": "name and version", "targets": ["requirements/all.txt"], "open": [{"id": "CVE-2026-0001", "severity": "high", "since": "2025-12-20"}]}, "file": "vulnerability_scan.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {},
		"unknown": {"vulnerability_scan": {"it does not say tool"}},
	} with input as given.evidence({"vulnerability_scan": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"tool": null, "targets": ["requirements/all.txt"], "open": [{"id": "CVE-2026-0001", "severity": "high", "since": "2025-12-20"}]}, "file": "vulnerability_scan.json", "signed": true, "why": ""}]}, {})
}

test_allowed_a_new_one if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"vulnerability_scan": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"tool": "name and version", "targets": ["requirements/all.txt"], "open": [{"id": "CVE-1", "severity": "critical", "since": "2025-12-30"}]}, "file": "vulnerability_scan.json", "signed": true, "why": ""}]}, {})
}

test_allowed_one_that_may_wait if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"vulnerability_scan": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"tool": "name and version", "targets": ["requirements/all.txt"], "open": [{"id": "CVE-1", "severity": "low", "since": "2020-01-01"}]}, "file": "vulnerability_scan.json", "signed": true, "why": ""}]}, {})
}

test_denied_one_left_open if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {"vulnerability_scan": {"CVE-1 (critical) is open since 2025-12-01, longer than 7 days"}},
		"unknown": {},
	} with input as given.evidence({"vulnerability_scan": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"tool": "name and version", "targets": ["requirements/all.txt"], "open": [{"id": "CVE-1", "severity": "critical", "since": "2025-12-01"}]}, "file": "vulnerability_scan.json", "signed": true, "why": ""}]}, {})
}

test_denied_nothing_scanned if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {"vulnerability_scan": {"it looked at nothing"}},
		"unknown": {},
	} with input as given.evidence({"vulnerability_scan": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"tool": "name and version", "targets": [], "open": [{"id": "CVE-2026-0001", "severity": "high", "since": "2025-12-20"}]}, "file": "vulnerability_scan.json", "signed": true, "why": ""}]}, {})
}

test_unknown_one_of_no_date if {
	answer == {
		"judged": {"vulnerability_scan"},
		"fail": {},
		"unknown": {"vulnerability_scan": {"since when CVE-1 is open is no date"}},
	} with input as given.evidence({"vulnerability_scan": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"tool": "name and version", "targets": ["requirements/all.txt"], "open": [{"id": "CVE-1", "severity": "critical", "since": "?"}]}, "file": "vulnerability_scan.json", "signed": true, "why": ""}]}, {})
}
