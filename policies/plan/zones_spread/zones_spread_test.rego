package falaj.plan.zones_spread_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.zones_spread as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_three_zones if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "name": "net", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"]}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::a", "type": "aws:ec2/subnet:Subnet", "name": "a", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "availabilityZone": "me-central-1a"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"]}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::b", "type": "aws:ec2/subnet:Subnet", "name": "b", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "availabilityZone": "me-central-1b"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"]}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::c", "type": "aws:ec2/subnet:Subnet", "name": "c", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "availabilityZone": "me-central-1c"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_one_zone if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net": {"its subnets lie in 1 zones; 3 are needed"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "name": "net", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"]}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::a", "type": "aws:ec2/subnet:Subnet", "name": "a", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "availabilityZone": "me-central-1a"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_subnet_from_nowhere if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net": {"in which zones its subnets lie is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "name": "net", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::a", "type": "aws:ec2/subnet:Subnet", "name": "a", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "availabilityZone": "me-central-1a"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_subnet_at_all if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net": {"its subnets lie in 0 zones; 3 are needed"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "name": "net", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_zones_that_the_provider_chooses if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net": {"in which zones its subnets lie is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "name": "net", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"]}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::a", "type": "aws:ec2/subnet:Subnet", "name": "a", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "availabilityZone": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
