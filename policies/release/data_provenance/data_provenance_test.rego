package falaj.release.data_provenance_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.release.data_provenance as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_all_is_told if {
	answer == {
		"judged": {"base_model", "data", "source:debian"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_denied_a_source_without_a_licence if {
	answer == {
		"judged": {"base_model", "data", "source:web"},
		"fail": {"source:web": {"it has no licence"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"data": {"sources": [{"name": "web", "uri": "https://example.org", "licence": "", "revision": "1", "digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}]}}), given.observed)
}

test_denied_no_data if {
	answer == {
		"judged": {"base_model", "data"},
		"fail": {"data": {"it has no card_digest", "it has no digest", "it has no name", "it is not split into train, validation and test rows", "it names no source"}},
		"unknown": {},
	} with input as given.release(json.remove(given.candidate, ["data"]), given.observed)
}

test_unknown_a_licence_nobody_could_tell if {
	answer == {
		"judged": {"base_model", "data", "source:web"},
		"fail": {},
		"unknown": {"source:web": {"nobody could tell its licence (NOASSERTION)"}},
	} with input as given.release(object.union(given.candidate, {"data": {"sources": [{"name": "web", "uri": "https://example.org", "licence": "NOASSERTION", "revision": "1", "digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}]}}), given.observed)
}
