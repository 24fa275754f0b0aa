# METADATA
# title: A key serves one class of data
# description: |
#   What is encrypted with a key of another class opens with that class's rights, and is lost with its key.
# custom:
#   check: C06
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:s3/bucket:Bucket", "aws:dynamodb/table:Table", "aws:efs/fileSystem:FileSystem", "aws:rds/instance:Instance", "aws:rds/cluster:Cluster"]
#   reads: ["aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "aws:kms/key:Key"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.12, A.8.24], gdpr: ["32(1)(a)"], uae_pdpl: ["20"]}
#   remediation: Encrypt the bucket, table, file system or database with the key that carries its data class.
#   runbook: gate_denied
package falaj.plan.key_of_its_class

import rego.v1

import data.falaj.lib.buckets
import data.falaj.lib.plan
import data.falaj.lib.stores
import data.falaj.lib.types

judged := buckets.urns | stores.urns

fail[urn] contains sprintf("it holds %v, and its key is for %v", [class, classes_of_keys[key]]) if {
	some [urn, class, key] in pairs
	is_string(class)
	is_string(classes_of_keys[key])
	class != classes_of_keys[key]
}

unknown[holder.urn] contains "its data class is not known before an apply" if {
	some holder in array.concat(buckets.all, stores.all)
	plan.hidden(class_of(holder))
}

unknown[urn] contains "the data class of its key is not known before an apply" if {
	some [urn, _, key] in pairs
	plan.hidden(classes_of_keys[key])
}

unknown[bucket] contains "which key it has is not known before an apply, and no reference says whose it is" if {
	some [bucket, part] in buckets.pairs(types.bucket_encryption)
	count(plan.referred_of(part, "rules", types.keys)) == 0
	plan.holds_hidden(object.get(part.inputs, "rules", null))
}

unknown[urn] contains "which key it has is not known before an apply, and no reference says whose it is" if {
	some urn, encryption in stores.encryption
	count(encryption.keys) == 0
	plan.hidden(encryption.key)
}

# Most pairs agree; what is said of the others is worked out for them alone.
pairs contains [holder.urn, class, key] if {
	some [holder, key] in uses
	class := class_of(holder)
	class != classes_of_keys[key]
}

uses := array.concat(
	[[plan.get(bucket), key] |
		some [bucket, part] in buckets.pairs(types.bucket_encryption)
		some key in plan.referred_of(part, "rules", types.keys)
	],
	[[store, key] |
		some store in stores.all
		some key in stores.encryption[store.urn].keys
	],
)

classes_of_keys := {key: class_of_key(plan.get(key)) | some [_, key] in uses}

# A name of a key has no class of its own. Where no reference says whose name it is, nobody can say which key it opens.
class_of_key(key) := class_of(key) if {
	key.type != alias
} else := class_of(plan.get(named[0])) if {
	named := [urn | some urn in plan.referred_of(key, "targetKeyId", types.keys)]
	count(named) == 1
} else := {"__falaj__": "unknown"}

alias := "aws:kms/alias:Alias"

class_of(resource) := plan.tag(resource, input.parameters.data_class_tag)
