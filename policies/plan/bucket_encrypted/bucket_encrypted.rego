# METADATA
# title: A bucket is encrypted with a key of ours
# description: Keys that the provider manages can neither be revoked nor audited by us.
# custom:
#   check: C02
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:s3/bucket:Bucket"]
#   reads: ["aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.24], gdpr: ["32(1)(a)"], uae_pdpl: ["20"]}
#   remediation: Add a BucketServerSideEncryptionConfiguration with sseAlgorithm aws:kms, kmsMasterKeyId of a key of ours and bucketKeyEnabled.
#   runbook: gate_denied
package falaj.plan.bucket_encrypted

import rego.v1

import data.falaj.lib.buckets
import data.falaj.lib.plan
import data.falaj.lib.types

judged := buckets.urns

fail[bucket.urn] contains "no encryption configuration belongs to this bucket" if {
	some bucket in buckets.all
	count(encryption[bucket.urn]) == 0
	not buckets.stray(types.bucket_encryption)
}

fail[bucket.urn] contains "the encryption configuration has no rule" if {
	some bucket in buckets.all
	some configuration in encryption[bucket.urn]
	plan.listed(configuration.rules) == []
}

fail[urn] contains "it is encrypted by keys of the storage service, not by KMS" if {
	some [urn, rule, _] in doubtful
	value := algorithm(rule)
	not value in {"aws:kms", "aws:kms:dsse"}
	not plan.hidden(value)
}

fail[urn] contains "no key is named, so the key is one that the provider manages" if {
	some [urn, rule, _] in doubtful
	by_kms(rule)
	key(rule) == null
}

fail[urn] contains "the key is one that the provider manages" if {
	some [urn, rule, _] in doubtful
	is_string(key(rule))
	contains(key(rule), "alias/aws/")
}

fail[urn] contains "there is no bucket key, so every object costs a call to KMS" if {
	some [urn, rule, _] in doubtful
	by_kms(rule)
	value := object.get(rule, "bucketKeyEnabled", false)
	value != true
	not plan.hidden(value)
}

unknown[bucket.urn] contains "an encryption configuration does not say yet which bucket it belongs to" if {
	some bucket in buckets.all
	count(encryption[bucket.urn]) == 0
	buckets.stray(types.bucket_encryption)
}

unknown[bucket.urn] contains "the rules of the encryption configuration are not known before an apply" if {
	some bucket in buckets.all
	some configuration in encryption[bucket.urn]
	hidden_rule(configuration.rules)
}

unknown[urn] contains "the encryption algorithm or bucket key is not known before an apply" if {
	some [urn, rule, _] in doubtful
	some value in [algorithm(rule), object.get(rule, "bucketKeyEnabled", false)]
	plan.hidden(value)
}

unknown[urn] contains "the key is not known before an apply, and no reference says whose it is" if {
	some [urn, rule, referred] in doubtful
	plan.hidden(key(rule))
	count(referred) == 0
}

# Configurations of a bucket: parts of their own, or the older block on the bucket itself.
encryption := {bucket.urn: found |
	some bucket in buckets.all
	found := array.concat(
		[{"rules": object.get(part.inputs, "rules", null), "keys": plan.referred_of(part, "rules", types.keys)} |
			some part in buckets.parts(types.bucket_encryption, bucket)
		],
		[{"rules": plan.at(block, ["rule"]), "keys": plan.referred_of(bucket, "serverSideEncryptionConfiguration", types.keys)} |
			block := bucket.inputs.serverSideEncryptionConfiguration
			block != null
		],
	)
}

# Rules that are not plainly as they should be: by a key service, with a key of ours that this plan makes, and a bucket key.
doubtful contains [urn, rule, configuration.keys] if {
	some urn, configurations in encryption
	some configuration in configurations
	some rule in plan.listed(configuration.rules)
	not plan.hidden(rule)
	not sound(rule, configuration.keys)
}

sound(rule, referred) if {
	rule.applyServerSideEncryptionByDefault.sseAlgorithm in {"aws:kms", "aws:kms:dsse"}
	rule.bucketKeyEnabled == true
	plan.hidden(rule.applyServerSideEncryptionByDefault.kmsMasterKeyId)
	count(referred) > 0
}

hidden_rule(value) if plan.hidden(value)

hidden_rule(value) if {
	some rule in plan.listed(value)
	plan.hidden(rule)
}

algorithm(rule) := plan.at(rule, ["applyServerSideEncryptionByDefault", "sseAlgorithm"])

key(rule) := plan.at(rule, ["applyServerSideEncryptionByDefault", "kmsMasterKeyId"])

by_kms(rule) if algorithm(rule) in {"aws:kms", "aws:kms:dsse"}
