# METADATA
# title: A bucket cannot be made public
# description: |
#   All four parts of the public-access block are on, and objects belong to the bucket's owner, so that no object list or
#   policy can open it, whoever writes one.
# custom:
#   check: C03
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:s3/bucket:Bucket"]
#   reads:
#     - "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
#     - "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.14, A.8.12], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Add a BucketPublicAccessBlock with all four settings true, and BucketOwnershipControls with BucketOwnerEnforced.
#   runbook: gate_denied
package falaj.plan.bucket_private

import rego.v1

import data.falaj.lib.buckets
import data.falaj.lib.plan
import data.falaj.lib.types

settings := ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"]

judged := buckets.urns

fail[urn] contains sprintf("no %v belongs to this bucket", [label]) if {
	some type, label in needed
	not buckets.stray(type)
	some urn in buckets.bare(type)
}

fail[urn] contains sprintf("%v is not true", [setting]) if {
	some [urn, block] in open_blocks
	some setting in settings
	value := object.get(block.inputs, setting, false)
	value != true
	not plan.hidden(value)
}

fail[urn] contains "objects do not belong to the bucket's owner (BucketOwnerEnforced)" if {
	some [urn, controls] in buckets.pairs(types.bucket_ownership)
	value := plan.at(controls.inputs, ["rule", "objectOwnership"])
	value != "BucketOwnerEnforced"
	not plan.hidden(value)
}

fail[bucket.urn] contains sprintf("its access list is %v", [bucket.inputs.acl]) if {
	some bucket in buckets.all
	bucket.inputs.acl in {"public-read", "public-read-write", "authenticated-read", "website"}
}

unknown[urn] contains sprintf("nobody can say yet to which bucket the %v belongs", [label]) if {
	some type, label in needed
	buckets.stray(type)
	some urn in buckets.bare(type)
}

unknown[urn] contains sprintf("%v is not known before an apply", [setting]) if {
	some [urn, block] in open_blocks
	some setting in settings
	plan.hidden(block.inputs[setting])
}

unknown[urn] contains "object ownership is not known before an apply" if {
	some [urn, controls] in buckets.pairs(types.bucket_ownership)
	plan.hidden(plan.at(controls.inputs, ["rule", "objectOwnership"]))
}

unknown[bucket.urn] contains "its access list is not known before an apply" if {
	some bucket in buckets.all
	plan.hidden(bucket.inputs.acl)
}

# Blocks that do not plainly close everything.
open_blocks := [pair | some pair in buckets.pairs(types.bucket_public_access); not object.subset(pair[1].inputs, closed)]

closed := {setting: true | some setting in settings}

needed := {
	types.bucket_public_access: "public-access block",
	types.bucket_ownership: "ownership control",
}
