package falaj.repository.state_stays_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.repository.state_stays as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_bucket_of_the_region_and_this_machine_for_local if {
	answer == {
		"judged": {"stacks/state.yaml", "stacks/state.yaml: local", "stacks/state.yaml: prod"},
		"fail": {},
		"unknown": {},
	} with input as {"repository": {"state": {"declared": {"there": true, "error": "", "content": {"environments": {"local": "file", "prod": "s3://falaj-prod-state-333333333333?region=me-central-1"}, "secrets": {"prod": "awskms://alias/falaj-prod-confidential?region=me-central-1"}}}, "projects": {"stacks/a/Pulumi.yaml": {"error": "", "backend": null}}}}, "parameters": given.parameters}
}

test_allowed_a_project_that_says_so_itself if {
	answer == {
		"judged": {"Pulumi.yaml", "stacks/state.yaml", "stacks/state.yaml: local", "stacks/state.yaml: prod"},
		"fail": {},
		"unknown": {},
	} with input as {"repository": {"state": {"declared": {"there": true, "error": "", "content": {"environments": {"local": "file", "prod": "s3://falaj-prod-state-333333333333?region=me-central-1"}, "secrets": {"prod": "awskms://alias/falaj-prod-confidential?region=me-central-1"}}}, "projects": {"Pulumi.yaml": {"error": "", "backend": "s3://b?awssdk=v2&region=me-central-1"}}}}, "parameters": given.parameters}
}

test_denied_no_file if {
	answer == {
		"judged": {"stacks/state.yaml"},
		"fail": {"stacks/state.yaml": {"it is not there, so nobody can say where state is kept"}},
		"unknown": {},
	} with input as {"repository": {"state": {"declared": {"there": false, "error": "", "content": {}}, "projects": {"stacks/a/Pulumi.yaml": {"error": "", "backend": null}}}}, "parameters": given.parameters}
}

test_denied_no_environment if {
	answer == {
		"judged": {"stacks/state.yaml"},
		"fail": {"stacks/state.yaml": {"it names no environment"}},
		"unknown": {},
	} with input as {"repository": {"state": {"declared": {"there": true, "error": "", "content": {}}, "projects": {"stacks/a/Pulumi.yaml": {"error": "", "backend": null}}}}, "parameters": given.parameters}
}

test_denied_abroad_in_no_region_with_somebody_else_on_a_machine if {
	answer == {
		"judged": {"stacks/state.yaml", "stacks/state.yaml: a", "stacks/state.yaml: b", "stacks/state.yaml: c", "stacks/state.yaml: d", "stacks/state.yaml: e", "stacks/state.yaml: f"},
		"fail": {"stacks/state.yaml: a": {"it keeps state in s3://b?region=eu-west-1, which names no allowed region (me-central-1)"}, "stacks/state.yaml: b": {"it keeps state in s3://b, which names no allowed region (me-central-1)"}, "stacks/state.yaml: c": {"it keeps state in https://api.pulumi.com, which names no allowed region (me-central-1)"}, "stacks/state.yaml: d": {"it keeps state on one machine: file://~"}, "stacks/state.yaml: e": {"it keeps state in s3://b?region=me-central-1&endpoint=minio.example.com, which names no allowed region (me-central-1)"}, "stacks/state.yaml: f": {"it keeps state in 7, which names no allowed region (me-central-1)"}},
		"unknown": {},
	} with input as {"repository": {"state": {"declared": {"there": true, "error": "", "content": {"environments": {"a": "s3://b?region=eu-west-1", "b": "s3://b", "c": "https://api.pulumi.com", "d": "file://~", "e": "s3://b?region=me-central-1&endpoint=minio.example.com", "f": 7}, "secrets": {"a": "awskms://alias/falaj-prod-confidential?region=me-central-1", "b": "awskms://alias/falaj-prod-confidential?region=me-central-1", "c": "awskms://alias/falaj-prod-confidential?region=me-central-1", "d": "awskms://alias/falaj-prod-confidential?region=me-central-1", "e": "awskms://alias/falaj-prod-confidential?region=me-central-1", "f": "awskms://alias/falaj-prod-confidential?region=me-central-1"}}}, "projects": {"stacks/a/Pulumi.yaml": {"error": "", "backend": null}}}}, "parameters": given.parameters}
}

test_denied_a_project_with_somebody_else if {
	answer == {
		"judged": {"Pulumi.yaml", "stacks/state.yaml", "stacks/state.yaml: local", "stacks/state.yaml: prod"},
		"fail": {"Pulumi.yaml": {"it keeps state in https://api.pulumi.com, which names no allowed region (me-central-1)"}},
		"unknown": {},
	} with input as {"repository": {"state": {"declared": {"there": true, "error": "", "content": {"environments": {"local": "file", "prod": "s3://falaj-prod-state-333333333333?region=me-central-1"}, "secrets": {"prod": "awskms://alias/falaj-prod-confidential?region=me-central-1"}}}, "projects": {"Pulumi.yaml": {"error": "", "backend": "https://api.pulumi.com"}}}}, "parameters": given.parameters}
}

test_unknown_a_file_that_nobody_can_read if {
	answer == {
		"judged": {"stacks/state.yaml"},
		"fail": {},
		"unknown": {"stacks/state.yaml": {"it is not YAML"}},
	} with input as {"repository": {"state": {"declared": {"there": true, "error": "it is not YAML", "content": {}}, "projects": {"stacks/a/Pulumi.yaml": {"error": "", "backend": null}}}}, "parameters": given.parameters}
}

test_unknown_a_project_that_nobody_can_read if {
	answer == {
		"judged": {"Pulumi.yaml", "stacks/state.yaml", "stacks/state.yaml: local", "stacks/state.yaml: prod"},
		"fail": {},
		"unknown": {"Pulumi.yaml": {"it is not YAML"}},
	} with input as {"repository": {"state": {"declared": {"there": true, "error": "", "content": {"environments": {"local": "file", "prod": "s3://falaj-prod-state-333333333333?region=me-central-1"}, "secrets": {"prod": "awskms://alias/falaj-prod-confidential?region=me-central-1"}}}, "projects": {"Pulumi.yaml": {"error": "it is not YAML", "backend": null}}}}, "parameters": given.parameters}
}

test_denied_secrets_under_a_passphrase_or_a_key_abroad if {
	answer == {
		"judged": {"stacks/state.yaml", "stacks/state.yaml: a", "stacks/state.yaml: b", "stacks/state.yaml: c"},
		"fail": {
			"stacks/state.yaml: a": {"the secrets in its state are encrypted by a passphrase, which is no key of the provider's in an allowed region (me-central-1)"},
			"stacks/state.yaml: b": {"the secrets in its state are encrypted by awskms://alias/k?region=eu-west-1, which is no key of the provider's in an allowed region (me-central-1)"},
		},
		"unknown": {},
	} with input as {"repository": {"state": {"declared": {"there": true, "error": "", "content": {"environments": {"a": "s3://b?region=me-central-1", "b": "s3://b?region=me-central-1", "c": "s3://b?region=me-central-1"}, "secrets": {"b": "awskms://alias/k?region=eu-west-1", "c": "awskms:///arn:aws:kms:me-central-1:333333333333:key/1"}}}, "projects": {"stacks/a/Pulumi.yaml": {"error": "", "backend": null}}}}, "parameters": given.parameters}
}

test_denied_a_key_with_a_password_in_its_address if {
	answer == {
		"judged": {"stacks/state.yaml", "stacks/state.yaml: prod"},
		"fail": {"stacks/state.yaml: prod": {"the address of its key holds a password"}},
		"unknown": {},
	} with input as {"repository": {"state": {"declared": {"there": true, "error": "", "content": {"environments": {"prod": "s3://b?region=me-central-1"}, "secrets": {"prod": "awskms://app:hunter2@alias/k?region=me-central-1"}}}, "projects": {"stacks/a/Pulumi.yaml": {"error": "", "backend": null}}}}, "parameters": given.parameters}
}

test_denied_an_address_that_leads_elsewhere_than_it_seems if {
	state := {"a": "s3://b?region=me-central-1&%65ndpoint=minio.example.com", "b": "s3://b#?region=me-central-1", "c": "s3://b?region=me-central-1.example.com", "d": "s3://b?region=me-central-1&accelerate=true", "e": "s3://b?region=me-central-1"}
	secrets := {"a": "awskms://alias/k?region=me-central-1", "b": "awskms://alias/k?region=me-central-1", "c": "awskms://alias/k?region=me-central-1", "d": "awskms://alias/k?region=me-central-1", "e": "awskms:///arn:aws:kms:me-central-1:333333333333:key/1?%65ndpoint=kms.example.com"}
	answer == {
		"judged": ({"stacks/state.yaml"} | {sprintf("stacks/state.yaml: %v", [name]) | some name, _ in state}),
		"fail": object.union(
			{sprintf("stacks/state.yaml: %v", [name]): {sprintf("it keeps state in %v, which names no allowed region (me-central-1)", [place])} | some name, place in object.remove(state, ["e"])},
			{"stacks/state.yaml: e": {sprintf("the secrets in its state are encrypted by %v, which is no key of the provider's in an allowed region (me-central-1)", [secrets.e])}},
		),
		"unknown": {},
	} with input as {"repository": {"state": {"declared": {"there": true, "error": "", "content": {"environments": state, "secrets": secrets}}, "projects": {"stacks/a/Pulumi.yaml": {"error": "", "backend": null}}}}, "parameters": given.parameters}
}
