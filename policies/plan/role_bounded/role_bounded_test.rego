package falaj.plan.role_bounded_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.role_bounded as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_bounded if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:iam/role:Role::r"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"permissionsBoundary": ["urn:pulumi:prod::app::aws:iam/policy:Policy::boundary"]}, "urn": "urn:pulumi:prod::app::aws:iam/role:Role::r", "type": "aws:iam/role:Role", "name": "r", "op": "create", "custom": true, "inputs": {"permissionsBoundary": {"__falaj__": "unknown"}, "assumeRolePolicy": "{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"pods.eks.amazonaws.com\"}, \"Action\": \"sts:AssumeRole\"}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_pod_s_role_without_a_boundary if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:iam/role:Role::r"},
		"fail": {"urn:pulumi:prod::app::aws:iam/role:Role::r": {"pods take it, and nothing bounds what it may be given"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:iam/role:Role::r", "type": "aws:iam/role:Role", "name": "r", "op": "create", "custom": true, "inputs": {"assumeRolePolicy": "{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"pods.eks.amazonaws.com\"}, \"Action\": \"sts:AssumeRole\"}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_nobody_knows_who_takes_it if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:iam/role:Role::r"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:iam/role:Role::r": {"who takes it is not known before an apply, and nothing bounds it"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:iam/role:Role::r", "type": "aws:iam/role:Role", "name": "r", "op": "create", "custom": true, "inputs": {"assumeRolePolicy": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_workload_s_role_with_a_boundary_an_add_on_s_without if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:iam/role:Role::r"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"permissionsBoundary": ["urn:pulumi:prod::app::aws:iam/policy:Policy::boundary"]}, "urn": "urn:pulumi:prod::app::aws:iam/role:Role::r", "type": "aws:iam/role:Role", "name": "r", "op": "create", "custom": true, "inputs": {"permissionsBoundary": {"__falaj__": "unknown"}, "assumeRolePolicy": "{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"pods.eks.amazonaws.com\"}, \"Action\": \"sts:AssumeRole\"}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:iam/role:Role::a", "type": "aws:iam/role:Role", "name": "a", "op": "create", "custom": true, "inputs": {"assumeRolePolicy": "{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"pods.eks.amazonaws.com\"}, \"Action\": \"sts:AssumeRole\", \"Condition\": {\"StringEquals\": {\"aws:RequestTag/kubernetes-namespace\": \"kube-system\"}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
