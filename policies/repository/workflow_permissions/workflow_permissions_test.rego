package falaj.repository.workflow_permissions_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.repository.workflow_permissions as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_reads_only if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {},
		"unknown": {},
	} with input as given.repository({})
}

test_allowed_one_job_writes if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {"test": {"permissions": {"id-token": "write", "contents": "read"}, "uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"], "steps": [{"uses": "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {}}]}}, "secrets": []}}})
}

test_denied_nothing_is_stated if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {".github/workflows/ci.yml": {"it does not state its permissions"}},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": null, "jobs": {"test": {"permissions": null, "uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"], "steps": [{"uses": "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {}}]}}, "secrets": []}}})
}

test_denied_everything if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {".github/workflows/ci.yml": {"every job may write: permissions write-all"}},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": "write-all", "jobs": {"test": {"permissions": null, "uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"], "steps": [{"uses": "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {}}]}}, "secrets": []}}})
}

test_denied_every_job_writes if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {".github/workflows/ci.yml": {"every job may write contents"}},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": {"contents": "write"}, "jobs": {"test": {"permissions": null, "uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"], "steps": [{"uses": "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {}}]}}, "secrets": []}}})
}

test_denied_a_job_that_writes_everything if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {".github/workflows/ci.yml": {"job test may write everything"}},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {"test": {"permissions": "write-all", "uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"], "steps": [{"uses": "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {}}]}}, "secrets": []}}})
}

test_denied_code_of_forks if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {".github/workflows/ci.yml": {"it runs on pull_request_target, with the rights of the base and the code of a fork"}},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["pull_request_target"], "permissions": {"contents": "read"}, "jobs": {"test": {"permissions": null, "uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"], "steps": [{"uses": "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {}}]}}, "secrets": []}}})
}

test_unknown_a_workflow_that_is_no_yaml if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {},
		"unknown": {".github/workflows/ci.yml": {"it is not YAML: x"}},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "it is not YAML: x", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {}, "secrets": []}}})
}
