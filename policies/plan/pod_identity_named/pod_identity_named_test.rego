package falaj.plan.pod_identity_named_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.pod_identity_named as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_one_account_of_one_namespace if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/podIdentityAssociation:PodIdentityAssociation::p"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/podIdentityAssociation:PodIdentityAssociation::p", "type": "aws:eks/podIdentityAssociation:PodIdentityAssociation", "name": "p", "op": "create", "custom": true, "inputs": {"namespace": "inference", "serviceAccount": "falaj-inference"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_the_default_account if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/podIdentityAssociation:PodIdentityAssociation::p"},
		"fail": {"urn:pulumi:prod::app::aws:eks/podIdentityAssociation:PodIdentityAssociation::p": {"its serviceAccount is default, which others share"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/podIdentityAssociation:PodIdentityAssociation::p", "type": "aws:eks/podIdentityAssociation:PodIdentityAssociation", "name": "p", "op": "create", "custom": true, "inputs": {"namespace": "inference", "serviceAccount": "default"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_nobody_knows_whose_it_is if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/podIdentityAssociation:PodIdentityAssociation::p"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:eks/podIdentityAssociation:PodIdentityAssociation::p": {"its serviceAccount is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/podIdentityAssociation:PodIdentityAssociation::p", "type": "aws:eks/podIdentityAssociation:PodIdentityAssociation", "name": "p", "op": "create", "custom": true, "inputs": {"namespace": "inference", "serviceAccount": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_namespace if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/podIdentityAssociation:PodIdentityAssociation::p"},
		"fail": {"urn:pulumi:prod::app::aws:eks/podIdentityAssociation:PodIdentityAssociation::p": {"it names no namespace"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/podIdentityAssociation:PodIdentityAssociation::p", "type": "aws:eks/podIdentityAssociation:PodIdentityAssociation", "name": "p", "op": "create", "custom": true, "inputs": {"serviceAccount": "a"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
