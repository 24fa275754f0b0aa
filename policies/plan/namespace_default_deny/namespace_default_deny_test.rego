package falaj.plan.namespace_default_deny_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.namespace_default_deny as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_nothing_in_nothing_out if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "deny", {"metadata": {"name": "default", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}),
	])
}

test_denied_no_policy if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"no network policy denies all traffic by default"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
	])
}

test_denied_something_may_leave if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"no network policy denies all traffic by default"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "deny", {"metadata": {"name": "default", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{}]}}),
	])
}

test_unknown_a_policy_from_nowhere if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Namespace", "training"): {"a network policy that may be its default is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "deny", {"metadata": {"name": "default", "namespace": given.unknown}, "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}),
	])
}
