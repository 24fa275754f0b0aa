package falaj.repository.dockerfile_pinned_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.repository.dockerfile_pinned as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_digest_and_a_number if {
	answer == {
		"judged": {"Dockerfile"},
		"fail": {},
		"unknown": {},
	} with input as given.repository({"dockerfiles": {"Dockerfile": {"error": "", "images": ["python@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"], "user": "10001"}}})
}

test_denied_a_tag if {
	answer == {
		"judged": {"Dockerfile"},
		"fail": {"Dockerfile": {"python:3.11 is not named by digest"}},
		"unknown": {},
	} with input as given.repository({"dockerfiles": {"Dockerfile": {"error": "", "images": ["python:3.11"], "user": "10001"}}})
}

test_denied_nobody_is_named if {
	answer == {
		"judged": {"Dockerfile"},
		"fail": {"Dockerfile": {"it runs as root"}},
		"unknown": {},
	} with input as given.repository({"dockerfiles": {"Dockerfile": {"error": "", "images": ["python@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"], "user": null}}})
}

test_denied_root if {
	answer == {
		"judged": {"Dockerfile"},
		"fail": {"Dockerfile": {"it runs as root"}},
		"unknown": {},
	} with input as given.repository({"dockerfiles": {"Dockerfile": {"error": "", "images": ["python@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"], "user": "0:0"}}})
}

test_unknown_a_base_from_an_argument if {
	answer == {
		"judged": {"Dockerfile"},
		"fail": {},
		"unknown": {"Dockerfile": {"what ${BASE} stands for is decided when it is built"}},
	} with input as given.repository({"dockerfiles": {"Dockerfile": {"error": "", "images": ["${BASE}"], "user": "10001"}}})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"Dockerfile"},
		"fail": {},
		"unknown": {"Dockerfile": {"it cannot be read: PermissionError"}},
	} with input as given.repository({"dockerfiles": {"Dockerfile": {"error": "it cannot be read: PermissionError", "images": [], "user": "10001"}}})
}
