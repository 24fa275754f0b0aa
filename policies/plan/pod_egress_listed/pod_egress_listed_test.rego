package falaj.plan.pod_egress_listed_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.pod_egress_listed as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_network_and_a_port if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "deny"), given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.40.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "deny", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}),
	])
}

test_allowed_an_ipv6_network if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "fd00:ec2::/32"}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
	])
}

test_denied_anywhere if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"an opening is for every port", "an opening leads anywhere"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}}),
	])
}

test_denied_the_whole_internet if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"an opening leads to 0.0.0.0/0, which is too wide"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
	])
}

test_denied_the_whole_internet_of_the_next_version if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"an opening leads to ::/0, which is too wide"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "::/0"}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
	])
}

test_denied_no_prefix if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"an opening leads to internet, which is too wide"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "internet"}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
	])
}

test_denied_every_port if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"an opening is for every port"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.40.0.0/16"}}]}]}}),
	])
}

test_unknown_a_network_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {},
		"unknown": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"where an opening leads is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": given.unknown}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
	])
}

test_unknown_a_policy_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {},
		"unknown": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"what it opens is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": given.unknown}),
	])
}
