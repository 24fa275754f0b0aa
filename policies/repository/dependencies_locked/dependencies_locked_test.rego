package falaj.repository.dependencies_locked_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.repository.dependencies_locked as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_locked if {
	answer == {
		"judged": {"requirements/all.txt"},
		"fail": {},
		"unknown": {},
	} with input as given.repository({})
}

test_denied_no_lock if {
	answer == {
		"judged": {"pyproject.toml"},
		"fail": {"pyproject.toml": {"it declares dependencies, and there is no lock"}},
		"unknown": {},
	} with input as given.repository({"locks": {}})
}

test_denied_open_versions if {
	answer == {
		"judged": {"requirements/all.txt"},
		"fail": {"requirements/all.txt": {"torch has no exact version"}},
		"unknown": {},
	} with input as given.repository({"locks": {"requirements/all.txt": {"error": "", "packages": 3, "without_version": ["torch"], "without_digest": []}}})
}

test_denied_no_digests if {
	answer == {
		"judged": {"requirements/all.txt"},
		"fail": {"requirements/all.txt": {"numpy has no digest", "torch has no digest"}},
		"unknown": {},
	} with input as given.repository({"locks": {"requirements/all.txt": {"error": "", "packages": 3, "without_version": [], "without_digest": ["torch", "numpy"]}}})
}

test_denied_an_empty_lock if {
	answer == {
		"judged": {"requirements/all.txt"},
		"fail": {"requirements/all.txt": {"it names no package"}},
		"unknown": {},
	} with input as given.repository({"locks": {"requirements/all.txt": {"error": "", "packages": 0, "without_version": [], "without_digest": []}}})
}

test_unknown_a_lock_that_cannot_be_read if {
	answer == {
		"judged": {"requirements/all.txt"},
		"fail": {},
		"unknown": {"requirements/all.txt": {"it cannot be read: UnicodeDecodeError"}},
	} with input as given.repository({"locks": {"requirements/all.txt": {"error": "it cannot be read: UnicodeDecodeError", "packages": 3, "without_version": [], "without_digest": []}}})
}
