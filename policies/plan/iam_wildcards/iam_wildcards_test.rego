package falaj.plan.iam_wildcards_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.iam_wildcards as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_named_actions_on_named_things if {
	answer == {
		"judged": {given.urn("aws:iam/policy:Policy", "policy")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/policy:Policy", "policy", {"policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"Read\", \"Effect\": \"Allow\", \"Action\": [\"s3:GetObject\"], \"Resource\": [\"arn:aws:s3:::falaj-data/*\"]}]}"}),
	])
}

test_denied_a_whole_service_on_everything if {
	answer == {
		"judged": {given.urn("aws:iam/policy:Policy", "policy")},
		"fail": {given.urn("aws:iam/policy:Policy", "policy"): {"statement Read allows all of ecr:* on everything"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/policy:Policy", "policy", {"policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"Read\", \"Effect\": \"Allow\", \"Action\": \"ecr:*\", \"Resource\": \"*\"}]}"}),
	])
}

test_denied_administrator if {
	answer == {
		"judged": {given.urn("aws:iam/role:Role", "role"), given.urn("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "admin")},
		"fail": {given.urn("aws:iam/role:Role", "role"): {"it attaches arn:aws:iam::aws:policy/AmazonS3FullAccess"}, given.urn("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "admin"): {"it attaches arn:aws:iam::aws:policy/AdministratorAccess"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "admin", {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
		given.resource("aws:iam/role:Role", "role", {"managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]}),
	])
}

test_unknown_an_unknown_document if {
	answer == {
		"judged": {given.urn("aws:iam/policy:Policy", "policy")},
		"fail": {},
		"unknown": {given.urn("aws:iam/policy:Policy", "policy"): {"the policy document is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:iam/policy:Policy", "policy", {"policy": given.unknown}),
	])
}
