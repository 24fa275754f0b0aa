package falaj.repository.actions_pinned_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.repository.actions_pinned as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_commit_a_path_and_a_digest if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {"test": {"permissions": null, "uses": ["a/b@11bd71901bbe5b1630ceea73d27597364c9af683", "./local", "docker://alpine@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"], "steps": [{"uses": "a/b@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {}}, {"uses": "./local", "with": {}}, {"uses": "docker://alpine@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "with": {}}]}}, "secrets": []}}})
}

test_denied_a_tag if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {".github/workflows/ci.yml": {"actions/checkout@v4 is not pinned to a commit"}},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {"test": {"permissions": null, "uses": ["actions/checkout@v4"], "steps": [{"uses": "actions/checkout@v4", "with": {}}]}}, "secrets": []}}})
}

test_denied_a_branch_and_an_image_by_tag if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {".github/workflows/ci.yml": {"a/b@main is not pinned to a commit", "docker://alpine:3 is not pinned to a commit"}},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {"test": {"permissions": null, "uses": ["a/b@main", "docker://alpine:3"], "steps": [{"uses": "a/b@main", "with": {}}, {"uses": "docker://alpine:3", "with": {}}]}}, "secrets": []}}})
}

test_unknown_a_workflow_that_is_no_yaml if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {},
		"unknown": {".github/workflows/ci.yml": {"it is not YAML: x"}},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "it is not YAML: x", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {}, "secrets": []}}})
}
