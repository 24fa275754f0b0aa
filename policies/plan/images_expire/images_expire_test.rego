package falaj.plan.images_expire_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.images_expire as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_by_name if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::a"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::a", "type": "aws:ecr/repository:Repository", "name": "a", "op": "create", "custom": true, "inputs": {"name": "falaj"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/lifecyclePolicy:LifecyclePolicy::a", "type": "aws:ecr/lifecyclePolicy:LifecyclePolicy", "name": "a", "op": "create", "custom": true, "inputs": {"repository": "falaj", "policy": "{\"rules\": [{\"rulePriority\": 1, \"selection\": {\"tagStatus\": \"untagged\", \"countType\": \"sinceImagePushed\", \"countUnit\": \"days\", \"countNumber\": 14}, \"action\": {\"type\": \"expire\"}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_by_reference if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::a"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::a", "type": "aws:ecr/repository:Repository", "name": "a", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"repository": ["urn:pulumi:prod::app::aws:ecr/repository:Repository::a"]}, "urn": "urn:pulumi:prod::app::aws:ecr/lifecyclePolicy:LifecyclePolicy::a", "type": "aws:ecr/lifecyclePolicy:LifecyclePolicy", "name": "a", "op": "create", "custom": true, "inputs": {"repository": {"__falaj__": "unknown"}, "policy": "{\"rules\": [{\"rulePriority\": 1, \"selection\": {\"tagStatus\": \"untagged\", \"countType\": \"sinceImagePushed\", \"countUnit\": \"days\", \"countNumber\": 14}, \"action\": {\"type\": \"expire\"}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_policy if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::a"},
		"fail": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::a": {"no lifecycle policy belongs to it"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::a", "type": "aws:ecr/repository:Repository", "name": "a", "op": "create", "custom": true, "inputs": {"name": "falaj"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/lifecyclePolicy:LifecyclePolicy::b", "type": "aws:ecr/lifecyclePolicy:LifecyclePolicy", "name": "b", "op": "create", "custom": true, "inputs": {"repository": "other", "policy": "{\"rules\": [{\"rulePriority\": 1, \"selection\": {\"tagStatus\": \"untagged\", \"countType\": \"sinceImagePushed\", \"countUnit\": \"days\", \"countNumber\": 14}, \"action\": {\"type\": \"expire\"}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_policy_that_keeps_what_lost_its_tag_or_is_none if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::a", "urn:pulumi:prod::app::aws:ecr/repository:Repository::b", "urn:pulumi:prod::app::aws:ecr/repository:Repository::c"},
		"fail": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::a": {"no rule of its lifecycle policy ends images that lost their tag"}, "urn:pulumi:prod::app::aws:ecr/repository:Repository::b": {"no rule of its lifecycle policy ends images that lost their tag"}, "urn:pulumi:prod::app::aws:ecr/repository:Repository::c": {"no rule of its lifecycle policy ends images that lost their tag"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::a", "type": "aws:ecr/repository:Repository", "name": "a", "op": "create", "custom": true, "inputs": {"name": "a"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/lifecyclePolicy:LifecyclePolicy::a", "type": "aws:ecr/lifecyclePolicy:LifecyclePolicy", "name": "a", "op": "create", "custom": true, "inputs": {"repository": "a", "policy": "{\"rules\": [{\"rulePriority\": 1, \"selection\": {\"tagStatus\": \"tagged\", \"countNumber\": 14}, \"action\": {\"type\": \"expire\"}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::b", "type": "aws:ecr/repository:Repository", "name": "b", "op": "create", "custom": true, "inputs": {"name": "b"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/lifecyclePolicy:LifecyclePolicy::b", "type": "aws:ecr/lifecyclePolicy:LifecyclePolicy", "name": "b", "op": "create", "custom": true, "inputs": {"repository": "b", "policy": "{}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::c", "type": "aws:ecr/repository:Repository", "name": "c", "op": "create", "custom": true, "inputs": {"name": "c"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/lifecyclePolicy:LifecyclePolicy::c", "type": "aws:ecr/lifecyclePolicy:LifecyclePolicy", "name": "c", "op": "create", "custom": true, "inputs": {"repository": "c", "policy": "no JSON"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_policy_of_some_repository if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::a": {"a lifecycle policy does not say yet which repository it belongs to"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::a", "type": "aws:ecr/repository:Repository", "name": "a", "op": "create", "custom": true, "inputs": {"name": "falaj"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/lifecyclePolicy:LifecyclePolicy::a", "type": "aws:ecr/lifecyclePolicy:LifecyclePolicy", "name": "a", "op": "create", "custom": true, "inputs": {"repository": {"__falaj__": "unknown"}, "policy": "{\"rules\": [{\"rulePriority\": 1, \"selection\": {\"tagStatus\": \"untagged\", \"countType\": \"sinceImagePushed\", \"countUnit\": \"days\", \"countNumber\": 14}, \"action\": {\"type\": \"expire\"}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_policy_that_nobody_can_read if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::a": {"its lifecycle policy is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::a", "type": "aws:ecr/repository:Repository", "name": "a", "op": "create", "custom": true, "inputs": {"name": "falaj"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/lifecyclePolicy:LifecyclePolicy::a", "type": "aws:ecr/lifecyclePolicy:LifecyclePolicy", "name": "a", "op": "create", "custom": true, "inputs": {"repository": "falaj", "policy": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
