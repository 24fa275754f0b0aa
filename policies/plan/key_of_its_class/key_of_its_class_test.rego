package falaj.plan.key_of_its_class_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.key_of_its_class as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_one_class if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"bucket": "b", "tags": {"data-class": "internal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/key:Key::k", "type": "aws:kms/key:Key", "name": "k", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "internal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"rules": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration::e", "type": "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "name": "e", "op": "create", "custom": true, "inputs": {"bucket": "b", "rules": []}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_another_class_s_key if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"it holds personal, and its key is for internal"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"bucket": "b", "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/key:Key::k", "type": "aws:kms/key:Key", "name": "k", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "internal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"rules": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration::e", "type": "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "name": "e", "op": "create", "custom": true, "inputs": {"bucket": "b", "rules": []}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_class_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"its data class is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"bucket": "b", "tags": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_key_s_class_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"the data class of its key is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {"bucket": "b", "tags": {"data-class": "internal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/key:Key::k", "type": "aws:kms/key:Key", "name": "k", "op": "create", "custom": true, "inputs": {"tags": {"data-class": {"__falaj__": "unknown"}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"rules": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration::e", "type": "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "name": "e", "op": "create", "custom": true, "inputs": {"bucket": "b", "rules": []}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_table_a_file_system_and_databases_of_the_key_s_class if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o", "urn:pulumi:prod::app::aws:rds/cluster:Cluster::o", "urn:pulumi:prod::app::aws:rds/instance:Instance::o"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"serverSideEncryption": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "type": "aws:dynamodb/table:Table", "name": "t", "op": "create", "custom": true, "inputs": {"name": "t", "serverSideEncryption": {"enabled": true, "kmsKeyArn": {"__falaj__": "unknown"}}, "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"kmsKeyId": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o", "type": "aws:efs/fileSystem:FileSystem", "name": "o", "op": "create", "custom": true, "inputs": {"encrypted": true, "kmsKeyId": {"__falaj__": "unknown"}, "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"kmsKeyId": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::o", "type": "aws:rds/instance:Instance", "name": "o", "op": "create", "custom": true, "inputs": {"storageEncrypted": true, "kmsKeyId": {"__falaj__": "unknown"}, "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"kmsKeyId": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:rds/cluster:Cluster::o", "type": "aws:rds/cluster:Cluster", "name": "o", "op": "create", "custom": true, "inputs": {"storageEncrypted": true, "kmsKeyId": {"__falaj__": "unknown"}, "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/key:Key::k", "type": "aws:kms/key:Key", "name": "k", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_table_and_a_file_system_under_another_class_s_key if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o"},
		"fail": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t": {"it holds personal, and its key is for internal"}, "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o": {"it holds confidential, and its key is for internal"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"serverSideEncryption": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "type": "aws:dynamodb/table:Table", "name": "t", "op": "create", "custom": true, "inputs": {"name": "t", "serverSideEncryption": {"enabled": true, "kmsKeyArn": {"__falaj__": "unknown"}}, "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"kmsKeyId": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::o", "type": "aws:efs/fileSystem:FileSystem", "name": "o", "op": "create", "custom": true, "inputs": {"encrypted": true, "kmsKeyId": {"__falaj__": "unknown"}, "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/key:Key::k", "type": "aws:kms/key:Key", "name": "k", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "internal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_table_s_key_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t": {"which key it has is not known before an apply, and no reference says whose it is"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "type": "aws:dynamodb/table:Table", "name": "t", "op": "create", "custom": true, "inputs": {"name": "t", "serverSideEncryption": {"enabled": true, "kmsKeyArn": {"__falaj__": "unknown"}}, "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_table_s_class_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t": {"its data class is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {"serverSideEncryption": ["urn:pulumi:prod::app::aws:kms/key:Key::k"]}, "urn": "urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "type": "aws:dynamodb/table:Table", "name": "t", "op": "create", "custom": true, "inputs": {"name": "t", "serverSideEncryption": {"enabled": true, "kmsKeyArn": {"__falaj__": "unknown"}}, "tags": {"data-class": {"__falaj__": "unknown"}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/key:Key::k", "type": "aws:kms/key:Key", "name": "k", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_another_class_s_key_by_a_name_of_it if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"it holds personal, and its key is for internal"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "k", {"tags": {"data-class": "internal"}}),
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "b", "tags": {"data-class": "personal"}}),
		given.referring(given.resource("aws:kms/alias:Alias", "a", {"targetKeyId": given.unknown}), {"targetKeyId": [["aws:kms/key:Key", "k"]]}),
		given.referring(given.resource("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "sb", {"bucket": given.unknown, "rules": given.unknown}), {"bucket": [["aws:s3/bucket:Bucket", "b"]], "rules": [["aws:kms/alias:Alias", "a"]]}),
	])
}

test_allowed_the_class_s_key_by_a_name_of_it_and_a_bucket_that_is_only_read if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "k", {"tags": {"data-class": "internal"}}),
		given.resource("aws:kms/key:Key", "kp", {"tags": {"data-class": "personal"}}),
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "b", "tags": {"data-class": "personal"}}),
		given.referring(given.resource("aws:kms/alias:Alias", "a", {"targetKeyId": given.unknown}), {"targetKeyId": [["aws:kms/key:Key", "kp"]]}),
		given.referring(given.resource("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "sb", {"bucket": given.unknown, "rules": given.unknown}), {"bucket": [["aws:s3/bucket:Bucket", "b"]], "rules": [["aws:kms/alias:Alias", "a"]]}),
		object.union(given.resource("aws:s3/bucket:Bucket", "r", {"bucket": "r", "tags": {"data-class": "personal"}}), {"op": "read"}),
		given.referring(given.resource("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "sr", {"bucket": given.unknown, "rules": given.unknown}), {"bucket": [["aws:s3/bucket:Bucket", "r"]], "rules": [["aws:kms/key:Key", "k"]]}),
	])
}

test_unknown_a_name_of_who_knows_which_key if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"the data class of its key is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "b", "tags": {"data-class": "personal"}}),
		given.resource("aws:kms/alias:Alias", "a", {"targetKeyId": given.unknown}),
		given.referring(given.resource("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "sb", {"bucket": given.unknown, "rules": given.unknown}), {"bucket": [["aws:s3/bucket:Bucket", "b"]], "rules": [["aws:kms/alias:Alias", "a"]]}),
	])
}
