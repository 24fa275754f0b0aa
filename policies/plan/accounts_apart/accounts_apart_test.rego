package falaj.plan.accounts_apart_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.accounts_apart as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_own_account_and_the_organisation_s if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:iam/role:Role::r", "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "urn:pulumi:prod::app::pulumi:providers:aws::aws"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "op": "create", "custom": true, "inputs": {"allowedAccountIds": "[\"333333333333\"]"}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:iam/role:Role::r", "type": "aws:iam/role:Role", "name": "r", "op": "create", "custom": true, "inputs": {"assumeRolePolicy": "{\"Statement\": [{\"Principal\": {\"AWS\": \"arn:aws:iam::999999999999:root\"}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"bucket": "data-1111111111112"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_role_that_another_environment_takes if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:iam/role:Role::r", "urn:pulumi:prod::app::pulumi:providers:aws::aws"},
		"fail": {"urn:pulumi:prod::app::aws:iam/role:Role::r": {"it names account 111111111111, which is another environment's"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "op": "create", "custom": true, "inputs": {"allowedAccountIds": "[\"333333333333\"]"}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:iam/role:Role::r", "type": "aws:iam/role:Role", "name": "r", "op": "create", "custom": true, "inputs": {"assumeRolePolicy": "{\"Statement\": [{\"Principal\": {\"AWS\": \"arn:aws:iam::111111111111:root\"}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_provider_of_another_environment if {
	answer == {
		"judged": {"urn:pulumi:prod::app::pulumi:providers:aws::aws"},
		"fail": {"urn:pulumi:prod::app::pulumi:providers:aws::aws": {"it names account 222222222222, which is another environment's"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "op": "create", "custom": true, "inputs": {"allowedAccountIds": "[\"222222222222\"]"}},
	])
}

test_unknown_a_provider_of_nobody_knows_which_account if {
	answer == {
		"judged": {"urn:pulumi:prod::app::pulumi:providers:aws::aws", "urn:pulumi:prod::app::pulumi:providers:aws::b"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::pulumi:providers:aws::aws": {"allowedAccountIds is not known before an apply, so nobody can say whose account it works in"}, "urn:pulumi:prod::app::pulumi:providers:aws::b": {"assumeRoles is not known before an apply, so nobody can say whose account it works in"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "op": "create", "custom": true, "inputs": {"allowedAccountIds": {"__falaj__": "unknown"}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::pulumi:providers:aws::b", "type": "pulumi:providers:aws", "name": "b", "op": "create", "custom": true, "inputs": {"assumeRoles": "[{\"roleArn\": {\"__falaj__\": \"unknown\"}}]"}},
	])
}

test_unknown_a_policy_that_nothing_refers_to_whatever_empty_references_say if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:sns/topicPolicy:TopicPolicy::p", "urn:pulumi:prod::app::aws:sns/topicPolicy:TopicPolicy::q"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:sns/topicPolicy:TopicPolicy::p": {"policy is not known before an apply, and no reference says whose it is"}},
	} with input as given.plan([
		given.referring(given.resource("aws:sns/topicPolicy:TopicPolicy", "p", {"policy": given.unknown}), {"policy": []}),
		given.referring(given.resource("aws:sns/topicPolicy:TopicPolicy", "q", {"policy": given.unknown}), {"policy": [["aws:sns/topic:Topic", "t"]]}),
	])
}
