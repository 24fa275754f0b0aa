# METADATA
# title: A bucket is reached from inside only
# description: |
#   Credentials that were stolen are used from elsewhere. Each bucket's policy denies what comes from another account, and where
#   it holds data of the listed classes also what does not come through the own network's endpoint, whatever rights the caller has.
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
#   controls: {iso27001: [A.5.14, A.8.12], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Add statements that deny s3:* where aws:PrincipalAccount is another account, and s3:GetObject where aws:SourceVpce, aws:SourceVpc or aws:VpcSourceIp is not ours.
#   runbook: gate_denied
package falaj.plan.bucket_inside

import rego.v1

import data.falaj.lib.bucket_policies
import data.falaj.lib.buckets
import data.falaj.lib.documents
import data.falaj.lib.plan
import data.falaj.lib.types

judged := buckets.urns

fail[bucket.urn] contains "no statement denies what comes from another account" if {
	some bucket in legible
	not bucket.urn in kept.account
}

fail[bucket.urn] contains sprintf("it holds %v, and no statement denies what comes from outside the network", [class]) if {
	some bucket in legible
	class := classes[bucket.urn]
	class in input.parameters.buckets.inside_classes
	not bucket.urn in kept.network
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

unknown[urn] contains "its tags are not known before an apply, so nobody can say what it holds" if {
	some urn, class in classes
	plan.hidden(class)
}

classes := {bucket.urn: plan.tag(bucket, input.parameters.data_class_tag) | some bucket in buckets.all}

# Buckets whose policy can be read, or that have none for sure.
legible := [bucket |
	some bucket in buckets.all
	not bucket.urn in bucket_policies.unreadable
	not lost(bucket)
]

lost(bucket) if {
	count(bucket_policies.of_bucket[bucket.urn]) == 0
	buckets.stray(types.bucket_policy)
}

# What is kept out -> the buckets of which a statement denies it, on all their objects.
kept := {what: urns |
	some what, actions in {"account": {"s3:*", "*"}, "network": {"s3:*", "*", "s3:getobject"}}
	urns := {urn |
		some [urn, statement] in bucket_policies.denials
		kept_by[statement.Condition] == what
		count(documents.actions(statement) & actions) > 0
		some resource in documents.resources(statement)
		of_all_objects(resource, urn)
	}
}

# Condition -> what it keeps out, where it hangs on nothing else.
kept_by := {condition: what |
	some condition, tests in bucket_policies.tests
	others := [test | some test in tests; not spares_services(test)]
	count(others) == 1
	some [operator, key, values] in others
	some what, pattern in {"account": of_account, "network": of_network}
	tells(key, operator, pattern, values)
}

# Conditions of a denial are all to hold: another one would let through what it is not about. A service that works for us is let through.
spares_services([operator, key, values]) if {
	key in {"aws:PrincipalIsAWSService", "aws:ViaAWSService"}
	documents.asks_for_false(operator, values)
}

of_account := `^aws:(PrincipalAccount|PrincipalOrgID|SourceAccount)$`

of_network := `^aws:(SourceVpce|SourceVpc|VpcSourceIp)$`

tells(key, operator, pattern, values) if {
	regex.match(pattern, key)
	operator in {"StringNotEquals", "StringNotLike", "StringNotEqualsIfExists", "NotIpAddress"}
	count(plan.listed(values)) > 0
	every value in plan.listed(values) {
		is_string(value)
		not regex.match(`^[*?]*$|^(0\.0\.0\.0|::)/0$`, value)
	}
}

of_all_objects(resource, urn) if {
	named := regex.replace(resource, "^arn:aws[a-z-]*:s3:::", "")
	named in {"*", sprintf("%v/*", [object.get(plan.get(urn).inputs, "bucket", "*")])}
}
