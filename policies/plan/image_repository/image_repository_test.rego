package falaj.plan.image_repository_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.image_repository as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_fixed_scanned_encrypted if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::r"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/key:Key::k", "type": "aws:kms/key:Key", "name": "k", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"encryptionConfigurations": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::r", "type": "aws:ecr/repository:Repository", "name": "r", "op": "create", "custom": true, "inputs": {"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": true}, "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": {"__falaj__": "unknown"}}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_the_provider_s_defaults if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::r"},
		"fail": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::r": {"a tag can be moved to another image", "images are not scanned when they arrive", "its layers are not encrypted with a key of ours"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::r", "type": "aws:ecr/repository:Repository", "name": "r", "op": "create", "custom": true, "inputs": {"name": "x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_key_from_nowhere if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::r"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::r": {"how its layers are encrypted is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::r", "type": "aws:ecr/repository:Repository", "name": "r", "op": "create", "custom": true, "inputs": {"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": true}, "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": {"__falaj__": "unknown"}}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_nobody_knows_the_tags if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::r"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ecr/repository:Repository::r": {"imageTagMutability is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ecr/repository:Repository::r", "type": "aws:ecr/repository:Repository", "name": "r", "op": "create", "custom": true, "inputs": {"imageTagMutability": {"__falaj__": "unknown"}, "imageScanningConfiguration": {"scanOnPush": true}, "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": "arn:aws:kms:me-central-1:111122223333:key/1"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
