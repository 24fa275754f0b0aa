package falaj.plan.subnet_private_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.subnet_private as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_nothing_said if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/subnet:Subnet::s"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::s", "type": "aws:ec2/subnet:Subnet", "name": "s", "op": "create", "custom": true, "inputs": {"cidrBlock": "10.0.0.0/24"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_public_addresses if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/subnet:Subnet::s"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/subnet:Subnet::s": {"mapPublicIpOnLaunch is on, so whatever starts here gets a public address"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::s", "type": "aws:ec2/subnet:Subnet", "name": "s", "op": "create", "custom": true, "inputs": {"mapPublicIpOnLaunch": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/subnet:Subnet::s"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/subnet:Subnet::s": {"mapPublicIpOnLaunch is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::s", "type": "aws:ec2/subnet:Subnet", "name": "s", "op": "create", "custom": true, "inputs": {"mapPublicIpOnLaunch": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_said_to_be_off if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/subnet:Subnet::s"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::s", "type": "aws:ec2/subnet:Subnet", "name": "s", "op": "create", "custom": true, "inputs": {"mapPublicIpOnLaunch": false}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
