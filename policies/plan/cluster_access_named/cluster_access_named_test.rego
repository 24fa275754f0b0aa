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
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/accessEntry:AccessEntry::e", "type": "aws:eks/accessEntry:AccessEntry", "name": "e", "op": "create", "custom": true, "inputs": {"kubernetesGroups": ["falaj:operators"], "principalArn": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
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
