package falaj.plan.cluster_access_named_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.cluster_access_named as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_group_of_our_own if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"principalArn": ["urn:pulumi:prod::app::aws:iam/role:Role::r"]}, "urn": "urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e", "type": "aws:eks/accessEntry:AccessEntry", "name": "e", "op": "create", "custom": true, "inputs": {"kubernetesGroups": ["falaj:operators"], "principalArn": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_the_masters_group if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e"},
		"fail": {"urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e": {"it enters as system:masters"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e", "type": "aws:eks/accessEntry:AccessEntry", "name": "e", "op": "create", "custom": true, "inputs": {"kubernetesGroups": ["system:masters"], "principalArn": "arn:aws:iam::111122223333:role/x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_groups_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e": {"its groups are not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e", "type": "aws:eks/accessEntry:AccessEntry", "name": "e", "op": "create", "custom": true, "inputs": {"kubernetesGroups": [{"__falaj__": "unknown"}], "principalArn": "arn:aws:iam::111122223333:role/x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_nobody_named if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e"},
		"fail": {"urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e": {"it is for everybody"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e", "type": "aws:eks/accessEntry:AccessEntry", "name": "e", "op": "create", "custom": true, "inputs": {"kubernetesGroups": []}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_the_named_administrators_somebody_in_one_namespace_somebody_who_looks if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a", "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::b", "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::c"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "a", "op": "create", "custom": true, "inputs": {"principalArn": "arn:aws:iam::333333333333:role/falaj-prod-operator", "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", "accessScope": {"type": "cluster"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::b", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "b", "op": "create", "custom": true, "inputs": {"principalArn": "arn:aws:iam::333333333333:role/somebody", "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy", "accessScope": {"type": "namespace", "namespaces": ["training"]}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::c", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "c", "op": "create", "custom": true, "inputs": {"principalArn": "arn:aws:iam::333333333333:role/somebody", "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", "accessScope": {"type": "cluster"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_somebody_else_as_administrator if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a", "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::b", "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::c", "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::d"},
		"fail": {"urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a": {"it gives arn:aws:iam::333333333333:role/somebody the whole cluster; allowed: ^arn:aws:iam::[0-9]{12}:role/falaj-[a-z]+-operator$"}, "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::b": {"it gives arn:aws:iam::333333333333:role/somebody the whole cluster; allowed: ^arn:aws:iam::[0-9]{12}:role/falaj-[a-z]+-operator$"}, "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::c": {"it gives arn:aws:iam::333333333333:role/somebody the whole cluster; allowed: ^arn:aws:iam::[0-9]{12}:role/falaj-[a-z]+-operator$"}, "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::d": {"it gives arn:aws:iam::333333333333:role/somebody the whole cluster; allowed: ^arn:aws:iam::[0-9]{12}:role/falaj-[a-z]+-operator$"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "a", "op": "create", "custom": true, "inputs": {"principalArn": "arn:aws:iam::333333333333:role/somebody", "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", "accessScope": {"type": "cluster"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::b", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "b", "op": "create", "custom": true, "inputs": {"principalArn": "arn:aws:iam::333333333333:role/somebody", "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy", "accessScope": {"type": "cluster"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::c", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "c", "op": "create", "custom": true, "inputs": {"principalArn": "arn:aws:iam::333333333333:role/somebody", "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy", "accessScope": {"type": "namespace", "namespaces": ["*"]}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::d", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "d", "op": "create", "custom": true, "inputs": {"principalArn": "arn:aws:iam::333333333333:role/somebody", "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy", "accessScope": {"type": "namespace", "namespaces": []}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_policy_of_no_list_and_none if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a", "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::b"},
		"fail": {"urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a": {"it gives arn:aws:eks::aws:cluster-access-policy/AmazonEKSSecretAdminViewPolicy, which is none of the policies that may be given"}, "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::b": {"it gives no policy, which is none of the policies that may be given"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "a", "op": "create", "custom": true, "inputs": {"principalArn": "arn:aws:iam::333333333333:role/somebody", "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSSecretAdminViewPolicy", "accessScope": {"type": "cluster"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::b", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "b", "op": "create", "custom": true, "inputs": {"principalArn": "arn:aws:iam::333333333333:role/somebody", "accessScope": {"type": "cluster"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_for_everybody if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::b", "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a"},
		"fail": {"urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::b": {"it is for everybody"}, "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a": {"it is for everybody"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "a", "op": "create", "custom": true, "inputs": {"principalArn": "*", "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", "accessScope": {"type": "cluster"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::b", "type": "aws:eks/accessEntry:AccessEntry", "name": "b", "op": "create", "custom": true, "inputs": {"principalArn": ""}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_an_administrator_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a": {"who gets the whole cluster is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {"principalArn": ["urn:pulumi:prod::app::aws:iam/role:Role::r"]}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "a", "op": "create", "custom": true, "inputs": {"principalArn": {"__falaj__": "unknown"}, "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", "accessScope": {"type": "cluster"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_policy_and_a_scope_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a", "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::b"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a": {"policyArn is not known before an apply"}, "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::b": {"accessScope is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::a", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "a", "op": "create", "custom": true, "inputs": {"principalArn": "arn:aws:iam::333333333333:role/falaj-prod-operator", "policyArn": {"__falaj__": "unknown"}, "accessScope": {"type": "cluster"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessPolicyAssociation:AccessPolicyAssociation::b", "type": "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "name": "b", "op": "create", "custom": true, "inputs": {"principalArn": "arn:aws:iam::333333333333:role/somebody", "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy", "accessScope": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
