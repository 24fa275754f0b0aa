package falaj.repository.cloud_by_identity_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.repository.cloud_by_identity as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_no_cloud_at_all if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {},
		"unknown": {},
	} with input as given.repository({})
}

test_allowed_a_role_for_one_job if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {"test": {"permissions": {"id-token": "write"}, "uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"], "steps": [{"uses": "aws-actions/configure-aws-credentials@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {"role-to-assume": "arn:aws:iam::111122223333:role/plan"}}]}}, "secrets": []}}})
}

test_allowed_a_role_for_all_jobs if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": {"id-token": "write"}, "jobs": {"test": {"permissions": null, "uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"], "steps": [{"uses": "aws-actions/configure-aws-credentials@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {"role-to-assume": "arn:aws:iam::111122223333:role/plan"}}]}}, "secrets": []}}})
}

test_denied_a_stored_key if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {".github/workflows/ci.yml": {"it uses the stored key AWS_SECRET_ACCESS_KEY"}},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {"test": {"permissions": null, "uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"], "steps": [{"uses": "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {}}]}}, "secrets": ["AWS_SECRET_ACCESS_KEY", "OTHER"]}}})
}

test_denied_no_role if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {".github/workflows/ci.yml": {"job test asks for the cloud without a role"}},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {"test": {"permissions": {"id-token": "write"}, "uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"], "steps": [{"uses": "aws-actions/configure-aws-credentials@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {}}]}}, "secrets": []}}})
}

test_denied_no_identity if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {".github/workflows/ci.yml": {"job test may not ask for its identity (id-token)"}},
		"unknown": {},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {"test": {"permissions": null, "uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"], "steps": [{"uses": "aws-actions/configure-aws-credentials@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {"role-to-assume": "r"}}]}}, "secrets": []}}})
}

test_unknown_a_workflow_that_is_no_yaml if {
	answer == {
		"judged": {".github/workflows/ci.yml"},
		"fail": {},
		"unknown": {".github/workflows/ci.yml": {"it is not YAML: x"}},
	} with input as given.repository({"workflows": {".github/workflows/ci.yml": {"error": "it is not YAML: x", "triggers": ["push"], "permissions": {"contents": "read"}, "jobs": {}, "secrets": []}}})
}
