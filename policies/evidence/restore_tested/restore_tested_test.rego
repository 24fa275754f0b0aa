package falaj.evidence.restore_tested_test

import rego.v1

import data.falaj.evidence.restore_tested as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"restore_test"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"restore_test"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 35, "compared": "digests"}, "file": "restore_test.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 35, "compared": "digests"}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"restore_test"},
		"fail": {"restore_test": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"restore_test": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"restore_test"},
		"fail": {"restore_test": {"the newest is of 2021-01-01T00:00:00Z, more than 92 days ago"}},
		"unknown": {},
	} with input as given.evidence({"restore_test": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 35, "compared": "digests"}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"restore_test"},
		"fail": {"restore_test": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 35, "compared": "digests"}, "file": "restore_test.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"restore_test"},
		"fail": {"restore_test": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"restore_test": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 35, "compared": "digests"}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"restore_test"},
		"fail": {},
		"unknown": {"restore_test": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"restore_test": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"restore_test"},
		"fail": {},
		"unknown": {"restore_test": {"its moment is no date"}},
	} with input as given.evidence({"restore_test": [{"at": "lately", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 35, "compared": "digests"}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"restore_test"},
		"fail": {},
		"unknown": {"restore_test": {"it does not say succeeded"}},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": null, "minutes": 35, "compared": "digests"}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_denied_it_failed if {
	answer == {
		"judged": {"restore_test"},
		"fail": {"restore_test": {"it did not succeed"}},
		"unknown": {},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": false, "minutes": 35, "compared": "digests"}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_denied_nothing if {
	answer == {
		"judged": {"restore_test"},
		"fail": {"restore_test": {"nothing was restored"}},
		"unknown": {},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": [], "succeeded": true, "minutes": 35, "compared": "digests"}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_allowed_as_long_and_as_old_as_may_be if {
	answer == {
		"judged": {"restore_test"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 480, "compared": "digests", "rpo_seconds": 86400}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_allowed_in_no_time_at_all if {
	answer == {
		"judged": {"restore_test"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 0, "compared": "digests", "rpo_seconds": 0}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_denied_it_took_too_long if {
	answer == {
		"judged": {"restore_test"},
		"fail": {"restore_test": {"it took 480.5 minutes; at most 8 hours are allowed"}},
		"unknown": {},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 480.5, "compared": "digests"}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_denied_too_much_was_lost if {
	answer == {
		"judged": {"restore_test"},
		"fail": {"restore_test": {"the last 86401 seconds were lost; at most 24 hours are allowed"}},
		"unknown": {},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 35, "compared": "digests", "rpo_seconds": 86401}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_unknown_how_long_it_took_is_missing if {
	answer == {
		"judged": {"restore_test"},
		"fail": {},
		"unknown": {"restore_test": {"it does not say minutes"}},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "compared": "digests"}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_time_that_is_none if {
	answer == {
		"judged": {"restore_test"},
		"fail": {},
		"unknown": {"restore_test": {"it does not say minutes", "its rpo_seconds is no number"}},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": -1, "compared": "digests", "rpo_seconds": -1}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_unknown_the_age_of_the_copy_is_text if {
	answer == {
		"judged": {"restore_test"},
		"fail": {},
		"unknown": {"restore_test": {"its rpo_seconds is no number"}},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 35, "compared": "digests", "rpo_seconds": "a day"}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_unknown_how_long_it_took_is_text if {
	answer == {
		"judged": {"restore_test"},
		"fail": {},
		"unknown": {"restore_test": {"it does not say minutes"}},
	} with input as given.evidence({"restore_test": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"restored": ["state"], "succeeded": true, "minutes": "soon", "compared": "digests"}, "file": "restore_test.json", "signed": true, "why": ""}]}, {})
}

test_denied_none_and_nobody_tells_of_files_that_cannot_be_read if {
	answer == {
		"judged": {"restore_test"},
		"fail": {"restore_test": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"restore_test": []}, "other")
}
