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

test_allowed_a_storage_class_of_encrypted_disks_and_one_of_shared_files if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c", "urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::s"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c", "type": "kubernetes:storage.k8s.io/v1:StorageClass", "name": "c", "op": "create", "custom": true, "inputs": {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "ebs.csi.aws.com", "parameters": {"encrypted": "true", "kmsKeyId": "arn:aws:kms:me-central-1:333333333333:alias/falaj-prod-personal"}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::s", "type": "kubernetes:storage.k8s.io/v1:StorageClass", "name": "s", "op": "create", "custom": true, "inputs": {"provisioner": "efs.csi.aws.com"}},
	])
}

test_denied_a_storage_class_that_says_nothing_of_encryption if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c"},
		"fail": {"urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c": {"disk of a pod is not encrypted", "disk of a pod names no key, so the key is one that the provider manages"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c", "type": "kubernetes:storage.k8s.io/v1:StorageClass", "name": "c", "op": "create", "custom": true, "inputs": {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "ebs.csi.aws.com"}},
	])
}

test_denied_a_storage_class_with_the_provider_s_key if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c"},
		"fail": {"urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c": {"the key of disk of a pod is one that the provider manages"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c", "type": "kubernetes:storage.k8s.io/v1:StorageClass", "name": "c", "op": "create", "custom": true, "inputs": {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "ebs.csi.aws.com", "parameters": {"encrypted": "true", "kmsKeyId": "alias/aws/ebs"}}},
	])
}

test_unknown_a_storage_class_whose_parameters_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c": {"its disks are not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c", "type": "kubernetes:storage.k8s.io/v1:StorageClass", "name": "c", "op": "create", "custom": true, "inputs": {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "ebs.csi.aws.com", "parameters": {"__falaj__": "unknown"}}},
	])
}

test_unknown_a_storage_class_of_some_driver if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c": {"its disks are not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:storage.k8s.io/v1:StorageClass::c", "type": "kubernetes:storage.k8s.io/v1:StorageClass", "name": "c", "op": "create", "custom": true, "inputs": {"provisioner": {"__falaj__": "unknown"}}},
	])
}
