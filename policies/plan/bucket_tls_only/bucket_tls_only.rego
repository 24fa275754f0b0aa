# METADATA
# title: A bucket answers over TLS only
# description: The bucket's policy denies every request that is not encrypted in transit, and opens the bucket to nobody at large.
# custom:
#   check: C03
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:s3/bucket:Bucket"]
#   reads: ["aws:s3/bucketPolicy:BucketPolicy"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.14, A.8.24], gdpr: ["32(1)(a)"], uae_pdpl: ["20"]}
#   remediation: Add a BucketPolicy that denies s3:* to everybody on the bucket and its objects where aws:SecureTransport is false.
#   runbook: gate_denied
package falaj.plan.bucket_tls_only

import rego.v1

import data.falaj.lib.bucket_policies
import data.falaj.lib.buckets
import data.falaj.lib.documents
import data.falaj.lib.plan
import data.falaj.lib.types

judged := buckets.urns

fail[urn] contains "no bucket policy belongs to this bucket" if {
	some urn, policies in bucket_policies.of_bucket
	count(policies) == 0
	not buckets.stray(types.bucket_policy)
}

fail[urn] contains "the bucket policy is not a JSON object" if {
	some urn, policies in bucket_policies.of_bucket
	some policy in policies
	documents.malformed(policy)
}

fail[bucket.urn] contains "no statement denies requests without TLS on the bucket and all its objects" if {
	some bucket in buckets.all
	count(bucket_policies.of_bucket[bucket.urn]) > 0
	not bucket.urn in bucket_policies.unreadable
	not bucket.urn in by_tls_only
}

fail[urn] contains sprintf("%v lets everybody in", [documents.label(statement, index)]) if {
	some urn, policies in bucket_policies.statements
	some found in policies
	allowing := [statement | some statement in found; object.get(statement, "Effect", "Allow") == "Allow"]
	some index, statement in allowing
	documents.everybody(statement)
	not documents.narrowed(statement)
}

unknown[urn] contains "a bucket policy does not say yet which bucket it belongs to" if {
	some urn, policies in bucket_policies.of_bucket
	count(policies) == 0
	buckets.stray(types.bucket_policy)
}

unknown[urn] contains why if {
	some urn, policies in bucket_policies.of_bucket
	some policy in policies
	why := documents.unreadable(policy)
}

by_tls_only := {urn |
	some [urn, statement] in bucket_policies.denials
	statement.Condition in without_tls
	for_all(statement, plan.get(urn))
}

without_tls := {condition | some condition, tests in bucket_policies.tests; documents.without_tls(tests)}

# A statement about everything that can be done, the bucket and all its objects.
for_all(statement, bucket) if {
	count(documents.actions(statement) & {"s3:*", "*"}) > 0
	named := {name_in(resource) | some resource in documents.resources(statement)}
	covers(named, names(bucket))
}

covers(named, _) if "*" in named

covers(named, wanted) if {
	count(named & wanted) > 0
	count(named & {sprintf("%v/*", [name]) | some name in wanted}) > 0
}

name_in(resource) := regex.replace(resource, "^arn:aws[a-z-]*:s3:::", "")

names(bucket) := {"*", bucket.inputs.bucket} if is_string(bucket.inputs.bucket)

names(bucket) := {"*"} if not is_string(object.get(bucket.inputs, "bucket", null))
