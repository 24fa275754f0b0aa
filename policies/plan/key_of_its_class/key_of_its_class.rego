# METADATA
# title: A key serves one class of data
# description: |
#   What is encrypted with a key of another class opens with that class's rights, and is lost with its key.
# custom:
#   check: C06
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:s3/bucket:Bucket"]
#   reads: ["aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "aws:kms/key:Key"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.12, A.8.24], gdpr: ["32(1)(a)"], uae_pdpl: ["20"]}
#   remediation: Encrypt the bucket with the key that carries its data class.
#   runbook: gate_denied
package falaj.plan.key_of_its_class

import rego.v1

import data.falaj.lib.buckets
import data.falaj.lib.plan
import data.falaj.lib.types

judged contains bucket.urn if some bucket in buckets.all

fail[bucket.urn] contains sprintf("it holds %v, and its key is for %v", [class(bucket), class(plan.get(key))]) if {
	some bucket in buckets.all
	some key in keys_of(bucket)
	is_string(class(bucket))
	is_string(class(plan.get(key)))
	class(bucket) != class(plan.get(key))
}

unknown[bucket.urn] contains "its data class is not known before an apply" if {
	some bucket in buckets.all
	plan.hidden(class(bucket))
}

unknown[bucket.urn] contains "the data class of its key is not known before an apply" if {
	some bucket in buckets.all
	some key in keys_of(bucket)
	plan.hidden(class(plan.get(key)))
}

keys_of(bucket) := {key |
	some part in buckets.parts(types.bucket_encryption, bucket)
	some key in plan.referred_of(part, "rules", types.keys)
}

class(resource) := {"__falaj__": "unknown"} if plan.tags_hidden(resource)

class(resource) := object.get(plan.tags(resource), input.parameters.data_class_tag, null) if not plan.tags_hidden(resource)
