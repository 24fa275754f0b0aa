package falaj.plan.egress_closed_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.egress_closed as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_group_that_lets_out_nothing_and_one_that_lets_out_to_its_network if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/defaultSecurityGroup:DefaultSecurityGroup::c", "urn:pulumi:prod::app::aws:ec2/securityGroup:SecurityGroup::a", "urn:pulumi:prod::app::aws:ec2/securityGroup:SecurityGroup::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/securityGroup:SecurityGroup::a", "type": "aws:ec2/securityGroup:SecurityGroup", "name": "a", "op": "create", "custom": true, "inputs": {"ingress": []}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/securityGroup:SecurityGroup::b", "type": "aws:ec2/securityGroup:SecurityGroup", "name": "b", "op": "create", "custom": true, "inputs": {"egress": [{"protocol": "tcp", "cidrBlocks": ["10.0.0.0/16"]}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/defaultSecurityGroup:DefaultSecurityGroup::c", "type": "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "name": "c", "op": "create", "custom": true, "inputs": {"egress": []}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_rules_to_a_group_a_prefix_list_and_a_network if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::a", "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::b", "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::c"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::a", "type": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "name": "a", "op": "create", "custom": true, "inputs": {"referencedSecurityGroupId": "sg-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::b", "type": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "name": "b", "op": "create", "custom": true, "inputs": {"prefixListId": "pl-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::c", "type": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "name": "c", "op": "create", "custom": true, "inputs": {"cidrIpv6": "2600:1f10::/36"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_the_older_rule_which_lets_in if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/securityGroupRule:SecurityGroupRule::a", "type": "aws:ec2/securityGroupRule:SecurityGroupRule", "name": "a", "op": "create", "custom": true, "inputs": {"type": "ingress", "cidrBlocks": ["0.0.0.0/0"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::b", "type": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "name": "b", "op": "create", "custom": true, "inputs": {"prefixListId": "pl-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_group_that_lets_out_to_the_whole_world if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/securityGroup:SecurityGroup::a"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/securityGroup:SecurityGroup::a": {"it lets out to 0.0.0.0/0", "it lets out to ::/0"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/securityGroup:SecurityGroup::a", "type": "aws:ec2/securityGroup:SecurityGroup", "name": "a", "op": "create", "custom": true, "inputs": {"egress": [{"protocol": "-1", "cidrBlocks": ["0.0.0.0/0"], "ipv6CidrBlocks": ["::/0"]}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_networks_that_are_none if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::a", "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::b"},
		"fail": {"urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::a": {"it lets out to 0.0.0.0"}, "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::b": {"it lets out to 7"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::a", "type": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "name": "a", "op": "create", "custom": true, "inputs": {"cidrIpv4": "0.0.0.0"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::b", "type": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "name": "b", "op": "create", "custom": true, "inputs": {"cidrIpv4": 7}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_rule_that_lets_out_to_the_whole_world if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::a"},
		"fail": {"urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::a": {"it lets out to 0.0.0.0/0"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::a", "type": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "name": "a", "op": "create", "custom": true, "inputs": {"cidrIpv4": "0.0.0.0/0"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_the_older_rule_that_lets_out_to_the_whole_world if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/securityGroupRule:SecurityGroupRule::a"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/securityGroupRule:SecurityGroupRule::a": {"it lets out to 0.0.0.0/0"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/securityGroupRule:SecurityGroupRule::a", "type": "aws:ec2/securityGroupRule:SecurityGroupRule", "name": "a", "op": "create", "custom": true, "inputs": {"type": "egress", "cidrBlocks": ["0.0.0.0/0"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_default_group_that_lets_out if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/defaultSecurityGroup:DefaultSecurityGroup::a"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/defaultSecurityGroup:DefaultSecurityGroup::a": {"a default security group lets somebody out"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/defaultSecurityGroup:DefaultSecurityGroup::a", "type": "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "name": "a", "op": "create", "custom": true, "inputs": {"egress": [{"self": true}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_rule_to_somewhere if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::a": {"where it lets out to is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::a", "type": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "name": "a", "op": "create", "custom": true, "inputs": {"cidrIpv4": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_group_whose_egress_is_unknown if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/defaultSecurityGroup:DefaultSecurityGroup::b", "urn:pulumi:prod::app::aws:ec2/securityGroup:SecurityGroup::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/defaultSecurityGroup:DefaultSecurityGroup::b": {"where it lets out to is not known before an apply"}, "urn:pulumi:prod::app::aws:ec2/securityGroup:SecurityGroup::a": {"where it lets out to is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/securityGroup:SecurityGroup::a", "type": "aws:ec2/securityGroup:SecurityGroup", "name": "a", "op": "create", "custom": true, "inputs": {"egress": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/defaultSecurityGroup:DefaultSecurityGroup::b", "type": "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "name": "b", "op": "create", "custom": true, "inputs": {"egress": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_the_older_rule_of_either_kind if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/securityGroupRule:SecurityGroupRule::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/securityGroupRule:SecurityGroupRule::a": {"whether it lets in or out is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/securityGroupRule:SecurityGroupRule::a", "type": "aws:ec2/securityGroupRule:SecurityGroupRule", "name": "a", "op": "create", "custom": true, "inputs": {"type": {"__falaj__": "unknown"}, "cidrBlocks": ["10.0.0.0/16"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
