# METADATA
# title: The audit trail cannot be taken back
# description: |
#   Whoever breaks in wipes their traces first. The bucket that a trail writes to holds every object for its retention, so that
#   nobody can delete or overwrite a record, administrators included.
# custom:
#   check: C14
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:cloudtrail/trail:Trail"]
#   reads: ["aws:s3/bucket:Bucket", "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.28, A.5.33, A.8.15], gdpr: ["5(2)", "33"], uae_pdpl: ["9"]}
#   remediation: Write the trail into a bucket of the same plan with objectLockEnabled and a BucketObjectLockConfiguration that has a default retention.
#   runbook: gate_denied
package falaj.plan.trail_locked

import rego.v1

import data.falaj.lib.buckets
import data.falaj.lib.plan
import data.falaj.lib.types

judged contains trail.urn if some trail in trails

fail[trail.urn] contains "it names no bucket" if {
	some trail in trails
	object.get(trail.inputs, "s3BucketName", null) in {null, ""}
}

fail[urn] contains "object lock of its bucket is not on" if {
	some [urn, bucket] in sinks
	lock := object.get(bucket.inputs, "objectLockEnabled", false)
	lock != true
	not plan.hidden(lock)
}

fail[urn] contains "no lock configuration with a retention belongs to its bucket" if {
	some [urn, bucket] in sinks
	not locked(bucket)
	not unclear(bucket)
}

unknown[trail.urn] contains "its bucket is not in this plan, so nobody can say whether it is locked" if {
	some trail in trails
	name := object.get(trail.inputs, "s3BucketName", null)
	not name in {null, ""}
	not trail.urn in found
}

unknown[urn] contains "whether its bucket is locked is not known before an apply" if {
	some [urn, bucket] in sinks
	plan.hidden(bucket.inputs.objectLockEnabled)
}

unknown[urn] contains "whether its bucket is locked is not known before an apply" if {
	some [urn, bucket] in sinks
	not locked(bucket)
	unclear(bucket)
}

trails := plan.of_type("aws:cloudtrail/trail:Trail")

# Trail -> the bucket of this plan that it writes to, by its known name, else by reference.
by_name := {[trail.urn, urn] | some trail in trails; some urn in buckets.named[trail.inputs.s3BucketName]}

by_reference := {[trail.urn, urn] |
	some trail in trails
	plan.hidden(trail.inputs.s3BucketName)
	some urn in plan.referred_of(trail, "s3BucketName", {types.bucket})
}

sinks := [[urn, plan.get(name)] | some [urn, name] in (by_name | by_reference)]

found := {urn | some [urn, _] in sinks}

locked(bucket) if {
	some retention in retentions(bucket)
	some unit in ["days", "years"]
	is_number(retention[unit])
	retention[unit] > 0
	retention.mode in {"COMPLIANCE", "GOVERNANCE"}
}

unclear(bucket) if {
	some retention in retentions(bucket)
	plan.holds_hidden(retention)
}

unclear(bucket) if {
	count(retentions(bucket)) == 0
	buckets.stray(types.bucket_object_lock)
}

retentions(bucket) := [plan.at(part.inputs, ["rule", "defaultRetention"]) | some part in buckets.parts(types.bucket_object_lock, bucket)]
