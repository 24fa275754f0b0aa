package falaj.plan.cluster_supported_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.cluster_supported as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_supported_version if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/cluster:Cluster::c"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/cluster:Cluster::c", "type": "aws:eks/cluster:Cluster", "name": "c", "op": "create", "custom": true, "inputs": {"version": "1.34"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_version_of_long_ago if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/cluster:Cluster::c"},
		"fail": {"urn:pulumi:prod::app::aws:eks/cluster:Cluster::c": {"its version is 1.27; supported: 1.34, 1.35"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/cluster:Cluster::c", "type": "aws:eks/cluster:Cluster", "name": "c", "op": "create", "custom": true, "inputs": {"version": "1.27"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/cluster:Cluster::c"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:eks/cluster:Cluster::c": {"its version is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/cluster:Cluster::c", "type": "aws:eks/cluster:Cluster", "name": "c", "op": "create", "custom": true, "inputs": {"version": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_version if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/cluster:Cluster::c"},
		"fail": {"urn:pulumi:prod::app::aws:eks/cluster:Cluster::c": {"it names no version, so the provider's default decides"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/cluster:Cluster::c", "type": "aws:eks/cluster:Cluster", "name": "c", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
