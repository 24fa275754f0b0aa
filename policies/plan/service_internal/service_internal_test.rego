package falaj.plan.service_internal_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.service_internal as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_inside_the_cluster if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Service", "serve")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Service", "serve", {"metadata": {"name": "serve"}, "spec": {"type": "ClusterIP"}}),
	])
}

test_allowed_internal_balancers if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Service", "serve"), given.urn("kubernetes:networking.k8s.io/v1:Ingress", "serve")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Service", "serve", {"metadata": {"name": "serve", "annotations": {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"}}, "spec": {"type": "LoadBalancer"}}),
		given.resource("kubernetes:networking.k8s.io/v1:Ingress", "serve", {"metadata": {"name": "serve", "annotations": {"alb.ingress.kubernetes.io/scheme": "internal"}}, "spec": {}}),
	])
}

test_denied_a_port_of_the_node if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Service", "serve")},
		"fail": {given.urn("kubernetes:core/v1:Service", "serve"): {"it opens a port on every node"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Service", "serve", {"metadata": {"name": "serve"}, "spec": {"type": "NodePort"}}),
	])
}

test_denied_a_balancer if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Service", "serve")},
		"fail": {given.urn("kubernetes:core/v1:Service", "serve"): {"its load balancer faces the internet"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Service", "serve", {"metadata": {"name": "serve"}, "spec": {"type": "LoadBalancer"}}),
	])
}

test_denied_addresses if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Service", "serve")},
		"fail": {given.urn("kubernetes:core/v1:Service", "serve"): {"it answers on addresses outside the cluster"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Service", "serve", {"metadata": {"name": "serve"}, "spec": {"externalIPs": ["203.0.113.7"]}}),
	])
}

test_denied_an_ingress if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:Ingress", "serve")},
		"fail": {given.urn("kubernetes:networking.k8s.io/v1:Ingress", "serve"): {"its load balancer faces the internet"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:Ingress", "serve", {"metadata": {"name": "serve", "annotations": {"alb.ingress.kubernetes.io/scheme": "internet-facing"}}, "spec": {}}),
	])
}

test_unknown_a_type_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Service", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Service", "serve"): {"its type is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Service", "serve", {"metadata": {"name": "serve"}, "spec": {"type": given.unknown}}),
	])
}

test_unknown_addresses_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Service", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Service", "serve"): {"its addresses are not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Service", "serve", {"metadata": {"name": "serve"}, "spec": {"externalIPs": given.unknown}}),
	])
}

test_unknown_a_scheme_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Service", "serve"), given.urn("kubernetes:networking.k8s.io/v1:Ingress", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Service", "serve"): {"whether its load balancer is internal is not known before an apply"}, given.urn("kubernetes:networking.k8s.io/v1:Ingress", "serve"): {"whether its load balancer is internal is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:Ingress", "serve", {"metadata": {"name": "serve", "annotations": {"alb.ingress.kubernetes.io/scheme": given.unknown}}, "spec": {}}),
		given.resource("kubernetes:core/v1:Service", "serve", {"metadata": {"name": "serve", "annotations": given.unknown}, "spec": {"type": "LoadBalancer"}}),
	])
}
