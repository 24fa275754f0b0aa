package falaj.evidence.images_attested_test

import rego.v1

import data.falaj.evidence.images_attested as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"image_attestations": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "signed": true, "bill_of_materials": true}]}, "file": "image_attestations.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "signed": true, "bill_of_materials": true}]}, "file": "image_attestations.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {"image_attestations": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"image_attestations": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {"image_attestations": {"the newest is of 2021-01-01T00:00:00Z, more than 31 days ago"}},
		"unknown": {},
	} with input as given.evidence({"image_attestations": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "signed": true, "bill_of_materials": true}]}, "file": "image_attestations.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {"image_attestations": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"image_attestations": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "signed": true, "bill_of_materials": true}]}, "file": "image_attestations.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {"image_attestations": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"image_attestations": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "signed": true, "bill_of_materials": true}]}, "file": "image_attestations.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {},
		"unknown": {"image_attestations": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"image_attestations": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {},
		"unknown": {"image_attestations": {"its moment is no date"}},
	} with input as given.evidence({"image_attestations": [{"at": "lately", "by": "somebody", "facts": {"images": [{"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "signed": true, "bill_of_materials": true}]}, "file": "image_attestations.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {},
		"unknown": {"image_attestations": {"it does not say images"}},
	} with input as given.evidence({"image_attestations": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": null}, "file": "image_attestations.json", "signed": true, "why": ""}]}, {})
}

test_denied_not_signed if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {"image_attestations": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is not signed"}},
		"unknown": {},
	} with input as given.evidence({"image_attestations": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "signed": false, "bill_of_materials": true}]}, "file": "image_attestations.json", "signed": true, "why": ""}]}, {})
}

test_denied_no_list_of_parts if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {"image_attestations": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is not listed with what is in it"}},
		"unknown": {},
	} with input as given.evidence({"image_attestations": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "signed": true, "bill_of_materials": false}]}, "file": "image_attestations.json", "signed": true, "why": ""}]}, {})
}

test_denied_a_tag if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {"image_attestations": {"an image is not named by its digest"}},
		"unknown": {},
	} with input as given.evidence({"image_attestations": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "latest", "signed": true, "bill_of_materials": true}]}, "file": "image_attestations.json", "signed": true, "why": ""}]}, {})
}

test_denied_no_image if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {"image_attestations": {"it names no image"}},
		"unknown": {},
	} with input as given.evidence({"image_attestations": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": []}, "file": "image_attestations.json", "signed": true, "why": ""}]}, {})
}

test_unknown_nobody_looked if {
	answer == {
		"judged": {"image_attestations"},
		"fail": {},
		"unknown": {"image_attestations": {"whether sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is attested is not said"}},
	} with input as given.evidence({"image_attestations": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "signed": true}]}, "file": "image_attestations.json", "signed": true, "why": ""}]}, {})
}
