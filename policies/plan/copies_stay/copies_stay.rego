# METADATA
# title: Copies stay where the original may be
# description: |
#   Replication, multi-region keys, global databases and backup copies move data without moving a resource. Each target is in an
#   allowed region, or is a bucket of this plan, which the region rule judges.
# custom:
#   check: C01
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:kms/key:Key", "aws:kms/externalKey:ExternalKey", "aws:kms/replicaKey:ReplicaKey", "aws:rds/globalCluster:GlobalCluster"]
#   reads:
#     - "aws:backup/plan:Plan"
#     - "aws:dynamodb/globalTable:GlobalTable"
#     - "aws:dynamodb/table:Table"
#     - "aws:ecr/replicationConfiguration:ReplicationConfiguration"
#     - "aws:rds/cluster:Cluster"
#     - "aws:s3/bucket:Bucket"
#     - "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
#     - "aws:secretsmanager/secret:Secret"
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.14, A.5.31, A.5.34], gdpr: ["44"], uae_pdpl: ["22", "23"]}
#   remediation: Point the copy at an allowed region, or take the replication out; a recovery copy abroad needs a recorded, time-limited exception.
#   runbook: gate_denied
package falaj.plan.copies_stay

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains urn if some [urn, _, _] in targets

judged contains key.urn if some key in plan.of_types({types.key, "aws:kms/externalKey:ExternalKey"})

judged contains replica.urn if some replica in plan.of_type("aws:kms/replicaKey:ReplicaKey")

fail[urn] contains sprintf("it copies to %v; allowed: %v", [target, concat(", ", input.parameters.allowed_regions)]) if {
	some [urn, "region", target] in targets
	plan.known(target)
	not target in input.parameters.allowed_regions
}

fail[urn] contains sprintf("it copies to a vault in %v; allowed: %v", [where, concat(", ", input.parameters.allowed_regions)]) if {
	some [urn, "arn", target] in targets
	is_string(target)
	where := region_of(target)
	not where in input.parameters.allowed_regions
}

fail[urn] contains "a multi-region key can be copied to any region" if {
	some key in plan.of_types({types.key, "aws:kms/externalKey:ExternalKey"})
	urn := key.urn
	value := object.get(key.inputs, "multiRegion", null)
	plan.known(value)
	value != false
}

fail[urn] contains "a global database copies itself to every region that joins it" if {
	some [urn, "world", target] in targets
	plan.known(target)
}

fail[replica.urn] contains "it is the copy of a key of another region" if some replica in plan.of_type("aws:kms/replicaKey:ReplicaKey")

fail[urn] contains "it copies, and does not say where to" if {
	some [urn, kind, null] in targets
	kind in {"arn", "bucket", "region"}
}

unknown[urn] contains sprintf("it copies to bucket %v, which is not in this plan and whose name does not say where it is", [target]) if {
	some [urn, "bucket", target] in targets
	is_string(target)
	name := regex.replace(target, "^arn:aws[a-z-]*:s3:::", "")
	not name in own_buckets
}

unknown[urn] contains "where it copies to is not known before an apply" if {
	some [urn, kind, target] in targets
	not kind in {"reference", "world"}
	plan.hidden(target)
}

unknown[urn] contains "where it copies to is not known before an apply, and no reference says which bucket it is" if {
	some [urn, "reference", {"target": target, "referred": referred}] in targets
	plan.hidden(target)
	count(referred) == 0
}

unknown[urn] contains "whether it joins a global database is not known before an apply" if {
	some [urn, "world", target] in targets
	plan.hidden(target)
}

unknown[urn] contains "how it copies is not known before an apply" if some [urn, "all", _] in targets

unknown[key.urn] contains "whether it is a multi-region key is not known before an apply" if {
	some key in plan.of_types({types.key, "aws:kms/externalKey:ExternalKey"})
	plan.hidden(key.inputs.multiRegion)
}

# Where each copying resource copies to: [urn, "region" | "arn" | "bucket" | "reference" | "world" | "all", target].
targets contains [resource.urn, "region", plan.at(destination, ["region"])] if {
	some resource in plan.of_type("aws:ecr/replicationConfiguration:ReplicationConfiguration")
	some rule in plan.listed(plan.at(resource.inputs, ["replicationConfiguration", "rules"]))
	some destination in plan.listed(plan.at(rule, ["destinations"]))
}

targets contains [resource.urn, "region", plan.at(replica, [field])] if {
	some type, field in {
		"aws:dynamodb/table:Table": "regionName",
		"aws:dynamodb/globalTable:GlobalTable": "regionName",
		"aws:secretsmanager/secret:Secret": "region",
	}
	some resource in plan.of_type(type)
	some replica in plan.listed(object.get(resource.inputs, "replicas", null))
}

targets contains [resource.urn, "arn", plan.at(action, ["destinationVaultArn"])] if {
	some resource in plan.of_type("aws:backup/plan:Plan")
	some rule in plan.listed(object.get(resource.inputs, "rules", null))
	some action in plan.listed(plan.at(rule, ["copyActions"]))
}

targets contains [database.urn, "world", database.type] if some database in plan.of_type(global_database)

targets contains [cluster.urn, "world", whole] if {
	some cluster in plan.of_type("aws:rds/cluster:Cluster")
	whole := object.get(cluster.inputs, "globalClusterIdentifier", null)
	not whole in {null, ""}
	not joins(cluster)
}

# Which global database it joins is not known yet, and the plan makes it.
targets contains [cluster.urn, "world", global_database] if {
	some cluster in plan.of_type("aws:rds/cluster:Cluster")
	joins(cluster)
}

joins(cluster) if count(plan.referred_of(cluster, "globalClusterIdentifier", {global_database})) > 0

global_database := "aws:rds/globalCluster:GlobalCluster"

targets contains [resource.urn, "bucket", target] if {
	some [resource, target] in replications
	not plan.hidden(target)
}

targets contains [resource.urn, "reference", {"target": target, "referred": plan.referred_of(resource, "rules", {types.bucket})}] if {
	some [resource, target] in replications
	plan.hidden(target)
}

targets contains [resource.urn, "all", null] if {
	some type, path in {
		types.bucket: ["replicationConfiguration", "rules"],
		"aws:s3/bucketReplicationConfig:BucketReplicationConfig": ["rules"],
		"aws:ecr/replicationConfiguration:ReplicationConfiguration": ["replicationConfiguration", "rules"],
		"aws:backup/plan:Plan": ["rules"],
		"aws:dynamodb/table:Table": ["replicas"],
		"aws:dynamodb/globalTable:GlobalTable": ["replicas"],
		"aws:secretsmanager/secret:Secret": ["replicas"],
	}
	some resource in plan.of_type(type)
	some value in array.concat([plan.at(resource.inputs, path)], plan.listed(plan.at(resource.inputs, path)))
	plan.hidden(value)
}

replications contains [resource, plan.at(rule, ["destination", "bucket"])] if {
	some resource in plan.of_type("aws:s3/bucketReplicationConfig:BucketReplicationConfig")
	some rule in plan.listed(object.get(resource.inputs, "rules", null))
	not plan.hidden(rule)
}

replications contains [bucket, plan.at(rule, ["destination", "bucket"])] if {
	some bucket in plan.of_type(types.bucket)
	some rule in plan.listed(plan.at(object.get(bucket.inputs, "replicationConfiguration", {}), ["rules"]))
	not plan.hidden(rule)
}

region_of(arn) := parts[3] if {
	parts := split(arn, ":")
	count(parts) > 4
} else := "no region"

own_buckets := {bucket.inputs.bucket | some bucket in plan.of_type(types.bucket)}
