# METADATA
# title: A key policy names who may use the key
# description: |
#   A statement for everybody without a condition opens the key to every account. Leaving the policy out is safe: KMS then
#   lets only the own account decide.
# custom:
#   check: C06
#   severity: critical
#   level: mandatory
#   unknown: defer
#   subjects:
#     - "aws:kms/externalKey:ExternalKey"
#     - "aws:kms/key:Key"
#     - "aws:kms/keyPolicy:KeyPolicy"
#     - "aws:kms/replicaKey:ReplicaKey"
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.15, A.8.24], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Name the account, roles or services as principals of each Allow statement; never "*" without a condition.
#   runbook: gate_denied
package falaj.plan.key_policy_closed

import rego.v1

import data.falaj.lib.documents
import data.falaj.lib.plan
import data.falaj.lib.types

judged contains key.urn if some key in keys

fail[key.urn] contains "the key policy is not a JSON object" if {
	some key in doubtful
	documents.malformed(policy(key))
}

fail[key.urn] contains sprintf("%v lets everybody use it", [documents.label(statement, index)]) if {
	some key in doubtful
	not documents.unreadable(policy(key))
	some index, statement in documents.allows(policy(key))
	documents.everybody(statement)
	not documents.narrowed(statement)
}

fail[key.urn] contains sprintf("%v allows everybody but those it names", [documents.label(statement, index)]) if {
	some key in doubtful
	not documents.unreadable(policy(key))
	some index, statement in documents.allows(policy(key))
	statement.NotPrincipal
}

unknown[key.urn] contains why if {
	some key in doubtful
	why := documents.unreadable(policy(key))
}

# A policy is taken apart only where its text names everybody, or all but some.
doubtful := [key |
	some key in keys
	object.get(key.inputs, "policy", null) != null
	not documents.plain(key.inputs.policy, documents.names_everybody)
]

keys := plan.of_types({types.key, "aws:kms/keyPolicy:KeyPolicy", "aws:kms/replicaKey:ReplicaKey", "aws:kms/externalKey:ExternalKey"})

policy(key) := object.get(key.inputs, "policy", null)
