package falaj.plan.cluster_logged_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.cluster_logged as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_all_five if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {"enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"]}),
	])
}

test_denied_none if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {given.urn("aws:eks/cluster:Cluster", "cluster"): {"these logs are not written: api, audit, authenticator, controllerManager, scheduler"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {}),
	])
}

test_denied_no_audit_log if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {given.urn("aws:eks/cluster:Cluster", "cluster"): {"these logs are not written: audit"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {"enabledClusterLogTypes": ["api", "authenticator", "controllerManager", "scheduler"]}),
	])
}

test_unknown_known_later if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {},
		"unknown": {given.urn("aws:eks/cluster:Cluster", "cluster"): {"which logs are written is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {"enabledClusterLogTypes": given.unknown}),
	])
}
