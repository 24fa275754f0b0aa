package falaj.plan.node_disks_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.node_disks as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_encrypted_with_a_named_key if {
	answer == {
		"judged": {given.urn("aws:ec2/launchTemplate:LaunchTemplate", "template")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/launchTemplate:LaunchTemplate", "template", {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true", "kmsKeyId": "arn:aws:kms:me-central-1:111122223333:key/1234"}}]}),
	])
}

test_denied_no_disk_is_named if {
	answer == {
		"judged": {given.urn("aws:ec2/launchTemplate:LaunchTemplate", "template")},
		"fail": {given.urn("aws:ec2/launchTemplate:LaunchTemplate", "template"): {"it names no disk, so the image's defaults decide"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/launchTemplate:LaunchTemplate", "template", {}),
	])
}

test_denied_a_bare_volume if {
	answer == {
		"judged": {given.urn("aws:ebs/volume:Volume", "disk")},
		"fail": {given.urn("aws:ebs/volume:Volume", "disk"): {"disk itself is not encrypted", "disk itself names no key, so the key is one that the provider manages"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ebs/volume:Volume", "disk", {}),
	])
}

test_unknown_unknown_disks if {
	answer == {
		"judged": {given.urn("aws:ec2/launchTemplate:LaunchTemplate", "template")},
		"fail": {},
		"unknown": {given.urn("aws:ec2/launchTemplate:LaunchTemplate", "template"): {"its disks are not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:ec2/launchTemplate:LaunchTemplate", "template", {"blockDeviceMappings": given.unknown}),
	])
}
