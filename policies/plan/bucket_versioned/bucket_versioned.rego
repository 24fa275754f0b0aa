# METADATA
# title: What a bucket held can be had back
# description: |
#   Every bucket keeps old versions. A bucket that holds records (evidence) is locked as well: for its retention nobody can
#   delete or overwrite a version, administrators included.
# custom:
#   check: C04
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:s3/bucket:Bucket"]
#   reads:
#     - "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
#     - "aws:s3/bucketVersioning:BucketVersioning"
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.33, A.8.13, A.8.15], gdpr: ["5(1)(f)", "32(1)(c)"], uae_pdpl: ["20"]}
#   remediation: Add BucketVersioning with status Enabled; for records set objectLockEnabled and add a BucketObjectLockConfiguration with a default retention.
#   runbook: gate_denied
package falaj.plan.bucket_versioned

import rego.v1

import data.falaj.lib.buckets
import data.falaj.lib.plan
import data.falaj.lib.types

judged := buckets.urns

fail[bucket.urn] contains "no versioning belongs to this bucket" if {
	some bucket in buckets.all
	count(statuses[bucket.urn]) == 0
	not buckets.stray(types.bucket_versioning)
}

fail[urn] contains sprintf("versioning is %v", [status]) if {
	some urn, found in statuses
	some status in found
	status != "Enabled"
	status != "Enabled"
	not plan.hidden(status)
}

fail[bucket.urn] contains "it holds records, and object lock is not on" if {
	some bucket in records
	lock := object.get(bucket.inputs, "objectLockEnabled", false)
	lock != true
	not plan.hidden(lock)
}

fail[bucket.urn] contains "it holds records, and no lock configuration belongs to it" if {
	some bucket in records
	count(buckets.parts(types.bucket_object_lock, bucket)) == 0
	not buckets.stray(types.bucket_object_lock)
}

fail[bucket.urn] contains sprintf("its records are locked for %v days; %v are needed", [days, input.parameters.object_lock.minimum_days]) if {
	some bucket in records
	some part in buckets.parts(types.bucket_object_lock, bucket)
	days := retention(part)
	not plan.hidden(days)
	days < input.parameters.object_lock.minimum_days
}

unknown[bucket.urn] contains "a versioning does not say yet which bucket it belongs to" if {
	some bucket in buckets.all
	count(statuses[bucket.urn]) == 0
	buckets.stray(types.bucket_versioning)
}

unknown[urn] contains "versioning is not known before an apply" if {
	some urn, found in statuses
	some status in found
	plan.hidden(status)
}

unknown[urn] contains "its tags are not known before an apply, so nobody can say whether it holds records" if {
	some urn, class in classes
	plan.hidden(class)
}

unknown[bucket.urn] contains "object lock is not known before an apply" if {
	some bucket in records
	plan.hidden(bucket.inputs.objectLockEnabled)
}

unknown[bucket.urn] contains "a lock configuration does not say yet which bucket it belongs to" if {
	some bucket in records
	count(buckets.parts(types.bucket_object_lock, bucket)) == 0
	buckets.stray(types.bucket_object_lock)
}

unknown[bucket.urn] contains "how long its records are locked is not known before an apply" if {
	some bucket in records
	some part in buckets.parts(types.bucket_object_lock, bucket)
	plan.hidden(retention(part))
}

records := [bucket |
	some bucket in buckets.all
	classes[bucket.urn] in input.parameters.object_lock.data_classes
]

classes := {bucket.urn: plan.tag(bucket, input.parameters.data_class_tag) | some bucket in buckets.all}

statuses := {bucket.urn: found |
	some bucket in buckets.all
	found := array.concat(
		[plan.at(part.inputs, ["versioningConfiguration", "status"]) | some part in buckets.parts(types.bucket_versioning, bucket)],
		[status | status := older[plan.at(bucket.inputs, ["versioning", "enabled"])]],
	)
}

# The older block on the bucket itself.
older := {true: "Enabled", false: "off"}

# Days of the default retention; a marker where hidden, 0 where there is none.
retention(part) := value if {
	some unit, factor in {"days": 1, "years": 365}
	set := plan.at(part.inputs, ["rule", "defaultRetention", unit])
	set != null
	value := scaled(set, factor)
} else := 0

scaled(value, factor) := value * factor if is_number(value)

scaled(value, _) := value if plan.hidden(value)
