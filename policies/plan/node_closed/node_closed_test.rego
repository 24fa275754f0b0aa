package falaj.plan.node_closed_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.node_closed as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_group_its_template_and_an_instance if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::i", "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::t", "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::g"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::g", "type": "aws:eks/nodeGroup:NodeGroup", "name": "g", "op": "create", "custom": true, "inputs": {"amiType": "x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::t", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "t", "op": "create", "custom": true, "inputs": {"networkInterfaces": [{"deviceIndex": 0}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/instance:Instance::i", "type": "aws:ec2/instance:Instance", "name": "i", "op": "create", "custom": true, "inputs": {"associatePublicIpAddress": false}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_key_for_ssh if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::t"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::t": {"keyName opens it to a login"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::t", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "t", "op": "create", "custom": true, "inputs": {"keyName": "ops"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_key_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::t"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::t": {"keyName is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::t", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "t", "op": "create", "custom": true, "inputs": {"keyName": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_remote_access if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::g"},
		"fail": {"urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::g": {"remoteAccess opens it to a login"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::g", "type": "aws:eks/nodeGroup:NodeGroup", "name": "g", "op": "create", "custom": true, "inputs": {"remoteAccess": {"ec2SshKey": "ops"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_public_address_of_an_interface if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::t"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::t": {"it gets a public address"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::t", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "t", "op": "create", "custom": true, "inputs": {"networkInterfaces": [{"associatePublicIpAddress": "true"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_public_address if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::i"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::i": {"it gets a public address"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/instance:Instance::i", "type": "aws:ec2/instance:Instance", "name": "i", "op": "create", "custom": true, "inputs": {"associatePublicIpAddress": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_an_address_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::i"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::i": {"whether it gets a public address is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/instance:Instance::i", "type": "aws:ec2/instance:Instance", "name": "i", "op": "create", "custom": true, "inputs": {"associatePublicIpAddress": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
