package falaj.plan.cluster_endpoint_private_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.cluster_endpoint_private as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_private_only if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {"vpcConfig": {"endpointPrivateAccess": true, "endpointPublicAccess": false}}),
	])
}

test_denied_public_as_well if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {given.urn("aws:eks/cluster:Cluster", "cluster"): {"the public endpoint is on (EKS turns it on where nothing is said)"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {"vpcConfig": {"endpointPrivateAccess": true, "endpointPublicAccess": true}}),
	])
}

test_denied_no_private_endpoint if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {given.urn("aws:eks/cluster:Cluster", "cluster"): {"the private endpoint is off"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {"vpcConfig": {"endpointPrivateAccess": false, "endpointPublicAccess": false}}),
	])
}

test_unknown_an_unknown_endpoint if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {},
		"unknown": {given.urn("aws:eks/cluster:Cluster", "cluster"): {"endpointPublicAccess is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {"vpcConfig": {"endpointPrivateAccess": true, "endpointPublicAccess": given.unknown}}),
	])
}
