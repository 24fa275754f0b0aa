# METADATA
# title: Type names
# description: One name per kind of resource; the provider has kept older names of some as types of their own.
package falaj.lib.types

import rego.v1

older := {
	"aws:s3/bucketV2:BucketV2": "aws:s3/bucket:Bucket",
	"aws:s3/bucketVersioningV2:BucketVersioningV2": "aws:s3/bucketVersioning:BucketVersioning",
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
	"aws:s3/bucketLoggingV2:BucketLoggingV2": "aws:s3/bucketLogging:BucketLogging",
	"aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2": "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
	"aws:s3/bucketAclV2:BucketAclV2": "aws:s3/bucketAcl:BucketAcl",
	"aws:s3control/bucketReplication:BucketReplication": "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
}

canonical(type) := object.get(older, type, type)

bucket := "aws:s3/bucket:Bucket"

bucket_versioning := "aws:s3/bucketVersioning:BucketVersioning"

bucket_encryption := "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"

bucket_public_access := "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"

bucket_ownership := "aws:s3/bucketOwnershipControls:BucketOwnershipControls"

bucket_policy := "aws:s3/bucketPolicy:BucketPolicy"

bucket_lifecycle := "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"

bucket_object_lock := "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"

key := "aws:kms/key:Key"

keys := {key, "aws:kms/alias:Alias", "aws:kms/replicaKey:ReplicaKey", "aws:kms/externalKey:ExternalKey"}

# What keeps data that somebody may want back.
stores := {
	bucket,
	"aws:dynamodb/table:Table",
	"aws:efs/fileSystem:FileSystem",
	"aws:ebs/volume:Volume",
	"aws:rds/instance:Instance",
	"aws:rds/cluster:Cluster",
}

cluster := "aws:eks/cluster:Cluster"

node_group := "aws:eks/nodeGroup:NodeGroup"

launch_template := "aws:ec2/launchTemplate:LaunchTemplate"

instance := "aws:ec2/instance:Instance"

kind(type) := parts[count(parts) - 1] if parts := split(type, ":")
