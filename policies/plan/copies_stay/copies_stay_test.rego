package falaj.plan.copies_stay_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.copies_stay as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_single_region_key if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {}),
	])
}

test_denied_a_multi_region_key if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {given.urn("aws:kms/key:Key", "key"): {"a multi-region key can be copied to any region"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {"multiRegion": true}),
	])
}

test_denied_a_secret_with_a_replica_abroad if {
	answer == {
		"judged": {given.urn("aws:secretsmanager/secret:Secret", "secret")},
		"fail": {given.urn("aws:secretsmanager/secret:Secret", "secret"): {"it copies to eu-west-1; allowed: me-central-1"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:secretsmanager/secret:Secret", "secret", {"replicas": [{"region": "eu-west-1"}]}),
	])
}

test_unknown_a_bucket_of_somebody_else if {
	answer == {
		"judged": {given.urn("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "copy")},
		"fail": {},
		"unknown": {given.urn("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "copy"): {"it copies to bucket arn:aws:s3:::somebody-elses, which is not in this plan and whose name does not say where it is"}},
	} with input as given.plan([
		given.resource("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "copy", {"rules": [{"destination": {"bucket": "arn:aws:s3:::somebody-elses"}}]}),
	])
}

test_denied_a_global_table if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:dynamodb/globalTable:GlobalTable::a"},
		"fail": {"urn:pulumi:prod::app::aws:dynamodb/globalTable:GlobalTable::a": {"it copies to eu-west-1; allowed: me-central-1"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:dynamodb/globalTable:GlobalTable::a", "type": "aws:dynamodb/globalTable:GlobalTable", "name": "a", "op": "create", "custom": true, "inputs": {"name": "t", "replicas": [{"regionName": "me-central-1"}, {"regionName": "eu-west-1"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_external_and_replica_keys if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:kms/externalKey:ExternalKey::a", "urn:pulumi:prod::app::aws:kms/replicaKey:ReplicaKey::b"},
		"fail": {"urn:pulumi:prod::app::aws:kms/externalKey:ExternalKey::a": {"a multi-region key can be copied to any region"}, "urn:pulumi:prod::app::aws:kms/replicaKey:ReplicaKey::b": {"it is the copy of a key of another region"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/externalKey:ExternalKey::a", "type": "aws:kms/externalKey:ExternalKey", "name": "a", "op": "create", "custom": true, "inputs": {"multiRegion": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:kms/replicaKey:ReplicaKey::b", "type": "aws:kms/replicaKey:ReplicaKey", "name": "b", "op": "create", "custom": true, "inputs": {"primaryKeyArn": "x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_database_of_one_region if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "k")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:rds/cluster:Cluster", "a", {"engine": "aurora-postgresql"}),
		given.resource("aws:rds/cluster:Cluster", "b", {"globalClusterIdentifier": ""}),
		given.resource("aws:kms/key:Key", "k", {}),
	])
}

test_denied_a_global_database_and_those_that_join_one if {
	answer == {
		"judged": {
			given.urn("aws:rds/cluster:Cluster", "a"),
			given.urn("aws:rds/cluster:Cluster", "b"),
			given.urn("aws:rds/globalCluster:GlobalCluster", "w"),
		},
		"fail": {
			given.urn("aws:rds/cluster:Cluster", "a"): {"a global database copies itself to every region that joins it"},
			given.urn("aws:rds/cluster:Cluster", "b"): {"a global database copies itself to every region that joins it"},
			given.urn("aws:rds/globalCluster:GlobalCluster", "w"): {"a global database copies itself to every region that joins it"},
		},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:rds/globalCluster:GlobalCluster", "w", {"globalClusterIdentifier": "w", "engine": "aurora-postgresql"}),
		given.resource("aws:rds/cluster:Cluster", "a", {"globalClusterIdentifier": "elsewhere"}),
		given.referring(given.resource("aws:rds/cluster:Cluster", "b", {"globalClusterIdentifier": given.unknown}), {"globalClusterIdentifier": [["aws:rds/globalCluster:GlobalCluster", "w"]]}),
	])
}

test_unknown_a_database_that_may_join_a_global_one if {
	answer == {
		"judged": {
			given.urn("aws:rds/cluster:Cluster", "a"),
			given.urn("aws:rds/cluster:Cluster", "b"),
		},
		"fail": {},
		"unknown": {
			given.urn("aws:rds/cluster:Cluster", "a"): {"whether it joins a global database is not known before an apply"},
			given.urn("aws:rds/cluster:Cluster", "b"): {"whether it joins a global database is not known before an apply"},
		},
	} with input as given.plan([
		given.resource("aws:rds/cluster:Cluster", "a", {"globalClusterIdentifier": given.unknown}),
		given.referring(given.resource("aws:rds/cluster:Cluster", "b", {"globalClusterIdentifier": given.unknown}), {"globalClusterIdentifier": [["aws:dynamodb/table:Table", "t"]]}),
		given.resource("aws:dynamodb/table:Table", "t", {"name": "t"}),
	])
}

test_denied_places_that_are_missing_or_written_in_another_shape if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/plan:Plan::e", "urn:pulumi:prod::app::aws:dynamodb/table:Table::a", "urn:pulumi:prod::app::aws:ecr/replicationConfiguration:ReplicationConfiguration::b", "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "urn:pulumi:prod::app::aws:s3/bucketReplicationConfig:BucketReplicationConfig::c"},
		"fail": {"urn:pulumi:prod::app::aws:backup/plan:Plan::e": {"it copies, and does not say where to"}, "urn:pulumi:prod::app::aws:dynamodb/table:Table::a": {"it copies, and does not say where to"}, "urn:pulumi:prod::app::aws:ecr/replicationConfiguration:ReplicationConfiguration::b": {"it copies, and does not say where to"}, "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"it copies, and does not say where to"}, "urn:pulumi:prod::app::aws:s3/bucketReplicationConfig:BucketReplicationConfig::c": {"it copies, and does not say where to"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:dynamodb/table:Table", "a", {"replicas": ["eu-west-1"]}),
		given.resource("aws:ecr/replicationConfiguration:ReplicationConfiguration", "b", {"replicationConfiguration": {"rules": [{"destinations": [{"registryId": "1"}]}]}}),
		given.resource("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "c", {"rules": [{"destination": [{"bucket": "arn:aws:s3:::other"}]}]}),
		given.resource("aws:s3/bucket:Bucket", "d", {"replicationConfiguration": {"rules": [{"id": "x"}]}}),
		given.resource("aws:backup/plan:Plan", "e", {"rules": [{"copyActions": [{}]}]}),
	])
}

test_unknown_how_a_bucket_itself_copies_is_known_later if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a", "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "urn:pulumi:prod::app::aws:s3/bucket:Bucket::c"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::a": {"how it copies is not known before an apply"}, "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"how it copies is not known before an apply"}, "urn:pulumi:prod::app::aws:s3/bucket:Bucket::c": {"how it copies is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "a", {"replicationConfiguration": given.unknown}),
		given.resource("aws:s3/bucket:Bucket", "b", {"replicationConfiguration": {"rules": given.unknown}}),
		given.resource("aws:s3/bucket:Bucket", "c", {"replicationConfiguration": {"rules": [given.unknown]}}),
		given.resource("aws:s3/bucket:Bucket", "d", {"bucket": "d"}),
	])
}
