# METADATA
# title: What a bucket no longer needs is deleted
# description: |
#   Data that is deleted or replaced is gone for good after a time, old versions too: storage limitation holds for copies as well.
# custom:
#   check: C05
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:s3/bucket:Bucket"]
#   reads: ["aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.33, A.8.10], gdpr: ["5(1)(e)", "17"], uae_pdpl: ["15"]}
#   remediation: Add a BucketLifecycleConfiguration whose enabled rule has noncurrentVersionExpiration and abortIncompleteMultipartUpload.
#   runbook: gate_denied
package falaj.plan.bucket_expires

import rego.v1

import data.falaj.lib.buckets
import data.falaj.lib.plan
import data.falaj.lib.types

judged := buckets.urns

fail[urn] contains "no lifecycle belongs to this bucket" if {
	not buckets.stray(types.bucket_lifecycle)
	some urn in buckets.bare(types.bucket_lifecycle)
}

fail[urn] contains sprintf("no rule of its lifecycle that is on says %v", [what]) if {
	some [urn, rules] in doubtful
	not plan.holds_hidden(rules)
	some what, path in needed
	not says(rules, path)
}

unknown[urn] contains "a lifecycle does not say yet which bucket it belongs to" if {
	buckets.stray(types.bucket_lifecycle)
	some urn in buckets.bare(types.bucket_lifecycle)
}

unknown[urn] contains "the rules of its lifecycle are not known before an apply" if {
	some [urn, rules] in doubtful
	plan.holds_hidden(rules)
}

rules_of := [[urn, object.get(lifecycle.inputs, "rules", null)] | some [urn, lifecycle] in buckets.pairs(types.bucket_lifecycle)]

# Many buckets expire by the same rules, so each set of rules is looked at once.
sets_of_rules := {rules | some [_, rules] in rules_of}

complete := {rules |
	some rules in sets_of_rules
	not plan.holds_hidden(rules)
	every path in needed {
		says(rules, path)
	}
}

doubtful := [pair | some pair in rules_of; not pair[1] in complete]

says(rules, path) if {
	some rule in plan.listed(rules)
	rule.status == "Enabled"
	days := plan.at(rule, path)
	is_number(days)
	days > 0
}

needed := {
	"when old versions are deleted": ["noncurrentVersionExpiration", "noncurrentDays"],
	"when unfinished uploads are dropped": ["abortIncompleteMultipartUpload", "daysAfterInitiation"],
}
