package falaj.plan.cluster_secrets_encrypted_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.cluster_secrets_encrypted as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_with_a_key_of_ours if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {"encryptionConfig": {"provider": {"keyArn": "arn:aws:kms:me-central-1:111122223333:key/1234"}, "resources": ["secrets"]}}),
	])
}

test_denied_no_encryption if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {given.urn("aws:eks/cluster:Cluster", "cluster"): {"encryptionConfig names no key", "secrets are not among what encryptionConfig encrypts"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {}),
	])
}

test_denied_something_else if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {given.urn("aws:eks/cluster:Cluster", "cluster"): {"secrets are not among what encryptionConfig encrypts"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {"encryptionConfig": {"provider": {"keyArn": "arn:aws:kms:me-central-1:111122223333:key/1234"}, "resources": []}}),
	])
}

test_unknown_an_unknown_provider if {
	answer == {
		"judged": {given.urn("aws:eks/cluster:Cluster", "cluster")},
		"fail": {},
		"unknown": {given.urn("aws:eks/cluster:Cluster", "cluster"): {"encryptionConfig's provider is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:eks/cluster:Cluster", "cluster", {"encryptionConfig": {"provider": given.unknown, "resources": ["secrets"]}}),
	])
}
