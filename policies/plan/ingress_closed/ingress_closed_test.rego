package falaj.plan.ingress_closed_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.ingress_closed as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_network_of_our_own if {
	answer == {
		"judged": {given.urn("aws:ec2/securityGroup:SecurityGroup", "group")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/securityGroup:SecurityGroup", "group", {"ingress": [{"cidrBlocks": ["10.0.0.0/16"], "fromPort": 443, "toPort": 443, "protocol": "tcp"}]}),
	])
}

test_denied_the_whole_internet if {
	answer == {
		"judged": {given.urn("aws:ec2/securityGroup:SecurityGroup", "group")},
		"fail": {given.urn("aws:ec2/securityGroup:SecurityGroup", "group"): {"it lets in 0.0.0.0/0"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/securityGroup:SecurityGroup", "group", {"ingress": [{"cidrBlocks": ["0.0.0.0/0"]}]}),
	])
}

test_denied_outside_addresses if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Service", "svc")},
		"fail": {given.urn("kubernetes:core/v1:Service", "svc"): {"it has outside addresses"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Service", "svc", {"spec": {"externalIPs": ["192.0.2.1"]}}),
	])
}

test_unknown_an_unknown_network if {
	answer == {
		"judged": {given.urn("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "rule")},
		"fail": {},
		"unknown": {given.urn("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "rule"): {"whom it lets in is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "rule", {"cidrIpv4": given.unknown}),
	])
}
