package falaj.plan.store_encrypted_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.store_encrypted as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_table_a_file_system_and_databases_with_a_key_of_ours if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o", "urn:pulumi:prod::app::aws:rds/cluster:Cluster::o", "urn:pulumi:prod::app::aws:rds/instance:Instance::o"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"serverSideEncryption": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "type": "aws:dynamodb/table:Table", "name": "t", "op": "create", "custom": true, "inputs": {"name": "t", "serverSideEncryption": {"enabled": true, "kmsKeyArn": {"__falaj__": "unknown"}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"kmsKeyId": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o", "type": "aws:efs/fileSystem:FileSystem", "name": "o", "op": "create", "custom": true, "inputs": {"encrypted": true, "kmsKeyId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"kmsKeyId": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::o", "type": "aws:rds/instance:Instance", "name": "o", "op": "create", "custom": true, "inputs": {"storageEncrypted": true, "kmsKeyId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"kmsKeyId": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:rds/cluster:Cluster::o", "type": "aws:rds/cluster:Cluster", "name": "o", "op": "create", "custom": true, "inputs": {"storageEncrypted": true, "kmsKeyId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/key:Key::k", "type": "aws:kms/key:Key", "name": "k", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_key_of_ours_by_its_arn if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o", "type": "aws:efs/fileSystem:FileSystem", "name": "o", "op": "create", "custom": true, "inputs": {"encrypted": true, "kmsKeyId": "arn:aws:kms:me-central-1:333333333333:key/1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_table_that_says_nothing_as_dynamodb_s_own_keys_have_it if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t"},
		"fail": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t": {"it is not encrypted, or with keys that the provider manages"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "type": "aws:dynamodb/table:Table", "name": "t", "op": "create", "custom": true, "inputs": {"name": "t"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_file_system_that_is_not_encrypted if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o": {"it is not encrypted, or with keys that the provider manages"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o", "type": "aws:efs/fileSystem:FileSystem", "name": "o", "op": "create", "custom": true, "inputs": {"encrypted": false}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_database_without_a_key if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:rds/instance:Instance::o"},
		"fail": {"urn:pulumi:prod::app::aws:rds/instance:Instance::o": {"no key is named, so the key is one that the provider manages"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::o", "type": "aws:rds/instance:Instance", "name": "o", "op": "create", "custom": true, "inputs": {"storageEncrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_cluster_of_databases_with_an_empty_key if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:rds/cluster:Cluster::o"},
		"fail": {"urn:pulumi:prod::app::aws:rds/cluster:Cluster::o": {"no key is named, so the key is one that the provider manages"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/cluster:Cluster::o", "type": "aws:rds/cluster:Cluster", "name": "o", "op": "create", "custom": true, "inputs": {"storageEncrypted": true, "kmsKeyId": ""}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_the_provider_s_key if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o": {"the key is one that the provider manages"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o", "type": "aws:efs/fileSystem:FileSystem", "name": "o", "op": "create", "custom": true, "inputs": {"encrypted": true, "kmsKeyId": "alias/aws/elasticfilesystem"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_word_in_place_of_a_truth if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:rds/instance:Instance::o"},
		"fail": {"urn:pulumi:prod::app::aws:rds/instance:Instance::o": {"it is not encrypted, or with keys that the provider manages"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"kmsKeyId": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::o", "type": "aws:rds/instance:Instance", "name": "o", "op": "create", "custom": true, "inputs": {"storageEncrypted": "true", "kmsKeyId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/key:Key::k", "type": "aws:kms/key:Key", "name": "k", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_whether_it_is_encrypted if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o": {"whether it is encrypted is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {"kmsKeyId": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o", "type": "aws:efs/fileSystem:FileSystem", "name": "o", "op": "create", "custom": true, "inputs": {"encrypted": {"__falaj__": "unknown"}, "kmsKeyId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/key:Key::k", "type": "aws:kms/key:Key", "name": "k", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_which_key if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:rds/instance:Instance::o"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:rds/instance:Instance::o": {"the key is not known before an apply, and no reference says whose it is"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::o", "type": "aws:rds/instance:Instance", "name": "o", "op": "create", "custom": true, "inputs": {"storageEncrypted": true, "kmsKeyId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_all_that_a_table_says if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t": {"the key is not known before an apply, and no reference says whose it is", "whether it is encrypted is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "type": "aws:dynamodb/table:Table", "name": "t", "op": "create", "custom": true, "inputs": {"name": "t", "serverSideEncryption": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
