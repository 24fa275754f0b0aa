package falaj.plan.node_metadata_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.node_metadata as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_sessions_and_one_hop_template_by_reference if {
	answer == {
		"judged": {given.urn("aws:ec2/launchTemplate:LaunchTemplate", "template"), given.urn("aws:eks/nodeGroup:NodeGroup", "pool")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/launchTemplate:LaunchTemplate", "template", {"name": "nodes", "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1}}),
		given.referring(given.resource("aws:eks/nodeGroup:NodeGroup", "pool", {"launchTemplate": {"id": given.unknown, "version": given.unknown}}), {"launchTemplate": [["aws:ec2/launchTemplate:LaunchTemplate", "template"]]}),
	])
}

test_denied_no_session_needed if {
	answer == {
		"judged": {given.urn("aws:ec2/launchTemplate:LaunchTemplate", "template")},
		"fail": {given.urn("aws:ec2/launchTemplate:LaunchTemplate", "template"): {"metadata is handed out without a session (httpTokens is not required)"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/launchTemplate:LaunchTemplate", "template", {"name": "nodes", "metadataOptions": {"httpTokens": "optional", "httpPutResponseHopLimit": 1}}),
	])
}

test_denied_a_node_group_without_a_template if {
	answer == {
		"judged": {given.urn("aws:eks/nodeGroup:NodeGroup", "pool")},
		"fail": {given.urn("aws:eks/nodeGroup:NodeGroup", "pool"): {"it has no launch template, so its nodes keep the defaults"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/nodeGroup:NodeGroup", "pool", {}),
	])
}

test_unknown_unknown_options if {
	answer == {
		"judged": {given.urn("aws:ec2/launchTemplate:LaunchTemplate", "template")},
		"fail": {},
		"unknown": {given.urn("aws:ec2/launchTemplate:LaunchTemplate", "template"): {"httpPutResponseHopLimit is not known before an apply", "httpTokens is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:ec2/launchTemplate:LaunchTemplate", "template", {"metadataOptions": given.unknown}),
	])
}
