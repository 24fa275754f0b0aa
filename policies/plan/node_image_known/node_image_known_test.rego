package falaj.plan.node_image_known_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.node_image_known as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_family_and_a_template_that_leaves_it_to_the_group if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::b", "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a", "type": "aws:eks/nodeGroup:NodeGroup", "name": "a", "op": "create", "custom": true, "inputs": {"amiType": "BOTTLEROCKET_x86_64_NVIDIA", "releaseVersion": "1.65.0-0be31b34"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::b", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "b", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_the_family_s_own_parameter if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "a", "op": "create", "custom": true, "inputs": {"imageId": "resolve:ssm:/aws/service/bottlerocket/aws-k8s-1.34/x86_64/latest/image_id"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_family_and_another_one if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a", "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::b", "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::c"},
		"fail": {"urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a": {"it names no family of images, so the default of the day decides"}, "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::b": {"it runs AL2023_x86_64_STANDARD, which is none of the families that are allowed"}, "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::c": {"it runs CUSTOM, which is none of the families that are allowed"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a", "type": "aws:eks/nodeGroup:NodeGroup", "name": "a", "op": "create", "custom": true, "inputs": {"releaseVersion": "1.65.0-0be31b34"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::b", "type": "aws:eks/nodeGroup:NodeGroup", "name": "b", "op": "create", "custom": true, "inputs": {"amiType": "AL2023_x86_64_STANDARD", "releaseVersion": "1.65.0-0be31b34"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::c", "type": "aws:eks/nodeGroup:NodeGroup", "name": "c", "op": "create", "custom": true, "inputs": {"amiType": "CUSTOM", "releaseVersion": "1.65.0-0be31b34"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_an_image_of_nobody_knows_whom if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::b", "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::b": {"it runs image ami-0123456789abcdef0, which is of no family that is known"}, "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a": {"it runs image ami-0123456789abcdef0, which is of no family that is known"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "a", "op": "create", "custom": true, "inputs": {"imageId": "ami-0123456789abcdef0"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/instance:Instance::b", "type": "aws:ec2/instance:Instance", "name": "b", "op": "create", "custom": true, "inputs": {"ami": "ami-0123456789abcdef0"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_an_image_that_is_no_text if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a": {"it runs image 7, which is of no family that is known"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "a", "op": "create", "custom": true, "inputs": {"imageId": 7}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_nobody_knows_which if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::c", "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::b", "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::c": {"which image it runs is not known before an apply"}, "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::b": {"which image it runs is not known before an apply"}, "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a": {"which family of images it runs is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a", "type": "aws:eks/nodeGroup:NodeGroup", "name": "a", "op": "create", "custom": true, "inputs": {"amiType": {"__falaj__": "unknown"}, "releaseVersion": "1.65.0-0be31b34"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::b", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "b", "op": "create", "custom": true, "inputs": {"imageId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/instance:Instance::c", "type": "aws:ec2/instance:Instance", "name": "c", "op": "create", "custom": true, "inputs": {"ami": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_release_of_the_family if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a", "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::b", "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::c", "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::d"},
		"fail": {"urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a": {"it names no release of its image, so the newest of the day decides"}, "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::b": {"it names no release of its image, so the newest of the day decides"}, "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::c": {"it names no release of its image, so the newest of the day decides"}, "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::d": {"it names no release of its image, so the newest of the day decides"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a", "type": "aws:eks/nodeGroup:NodeGroup", "op": "create", "custom": true, "inputs": {"amiType": "BOTTLEROCKET_x86_64"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::b", "type": "aws:eks/nodeGroup:NodeGroup", "op": "create", "custom": true, "inputs": {"amiType": "BOTTLEROCKET_x86_64", "releaseVersion": ""}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::c", "type": "aws:eks/nodeGroup:NodeGroup", "op": "create", "custom": true, "inputs": {"amiType": "BOTTLEROCKET_x86_64", "releaseVersion": null}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::d", "type": "aws:eks/nodeGroup:NodeGroup", "op": "create", "custom": true, "inputs": {"amiType": "BOTTLEROCKET_x86_64", "releaseVersion": 7}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_group_whose_release_comes_later if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a": {"which release of its image it runs is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a", "type": "aws:eks/nodeGroup:NodeGroup", "op": "create", "custom": true, "inputs": {"amiType": "BOTTLEROCKET_x86_64", "releaseVersion": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
