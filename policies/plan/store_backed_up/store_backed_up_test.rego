package falaj.plan.store_backed_up_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.store_backed_up as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_bucket_by_its_name_and_one_whose_data_is_not_to_be_copied if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "state", "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::p", "type": "aws:s3/bucket:Bucket", "name": "p", "op": "create", "custom": true, "inputs": {"bucket": "p", "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"resources": ["arn:aws:s3:::state"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_everything if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "state", "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"resources": ["*"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_file_system_by_reference_a_table_by_its_tags if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::e"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::e", "type": "aws:efs/fileSystem:FileSystem", "name": "e", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:dynamodb/table:Table::t", "type": "aws:dynamodb/table:Table", "name": "t", "op": "create", "custom": true, "inputs": {"name": "t", "tags": {"data-class": "confidential", "backup": "daily"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"resources": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::e"]}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"resources": [{"__falaj__": "unknown"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::t", "type": "aws:backup/selection:Selection", "name": "t", "op": "create", "custom": true, "inputs": {"selectionTags": [{"type": "STRINGEQUALS", "key": "backup", "value": "daily"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_databases_that_keep_copies_themselves if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::b", "urn:pulumi:prod::app::aws:rds/cluster:Cluster::c", "urn:pulumi:prod::app::aws:rds/instance:Instance::a"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::a", "type": "aws:rds/instance:Instance", "name": "a", "op": "create", "custom": true, "inputs": {"identifier": "a", "backupRetentionPeriod": 35, "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:dynamodb/table:Table::b", "type": "aws:dynamodb/table:Table", "name": "b", "op": "create", "custom": true, "inputs": {"pointInTimeRecovery": {"enabled": true}, "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/cluster:Cluster::c", "type": "aws:rds/cluster:Cluster", "name": "c", "op": "create", "custom": true, "inputs": {"clusterIdentifier": "c", "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"resources": ["arn:aws:rds:me-central-1:333333333333:cluster:*"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_nothing_is_selected if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"it holds confidential, and no backup has it"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "state", "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_another_bucket_is_and_a_name_that_only_begins_alike if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"it holds confidential, and no backup has it"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "state", "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"resources": ["arn:aws:s3:::state2", "arn:aws:s3:::other"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_copies_for_a_day_other_tags if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ebs/volume:Volume::v", "urn:pulumi:prod::app::aws:rds/instance:Instance::a"},
		"fail": {"urn:pulumi:prod::app::aws:ebs/volume:Volume::v": {"it holds confidential, and no backup has it"}, "urn:pulumi:prod::app::aws:rds/instance:Instance::a": {"it holds confidential, and no backup has it"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::a", "type": "aws:rds/instance:Instance", "name": "a", "op": "create", "custom": true, "inputs": {"backupRetentionPeriod": 1, "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ebs/volume:Volume::v", "type": "aws:ebs/volume:Volume", "name": "v", "op": "create", "custom": true, "inputs": {"tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"selectionTags": [{"type": "STRINGEQUALS", "key": "backup", "value": "daily"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_selection_of_nobody_knows_what if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"whether a backup has it is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "state", "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"resources": [{"__falaj__": "unknown"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_by_tags_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"whether a backup has it is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "state", "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"selectionTags": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_store_of_some_class if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"its tags are not known before an apply, so nobody can say whether it needs a backup"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/selection:Selection::s", "type": "aws:backup/selection:Selection", "name": "s", "op": "create", "custom": true, "inputs": {"resources": ["arn:aws:s3:::x"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_databases_that_may_keep_copies if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::b", "urn:pulumi:prod::app::aws:rds/instance:Instance::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:dynamodb/table:Table::b": {"whether a backup has it is not known before an apply"}, "urn:pulumi:prod::app::aws:rds/instance:Instance::a": {"whether a backup has it is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::a", "type": "aws:rds/instance:Instance", "name": "a", "op": "create", "custom": true, "inputs": {"backupRetentionPeriod": {"__falaj__": "unknown"}, "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:dynamodb/table:Table::b", "type": "aws:dynamodb/table:Table", "name": "b", "op": "create", "custom": true, "inputs": {"pointInTimeRecovery": {"__falaj__": "unknown"}, "tags": {"data-class": "confidential"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
