# METADATA
# title: A store is encrypted with a key of ours
# description: |
#   Tables, file systems and databases hold what buckets hold. Keys that the provider manages can neither be revoked nor audited by us.
# custom:
#   check: C02
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:dynamodb/table:Table", "aws:efs/fileSystem:FileSystem", "aws:rds/instance:Instance", "aws:rds/cluster:Cluster"]
#   reads: ["aws:kms/key:Key"]
#   evidence: the plan and its decision
#   since: "2026-11-27"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.24], gdpr: ["32(1)(a)"], uae_pdpl: ["20"]}
#   remediation: Switch the store's encryption on and name a key of ours in it.
#   runbook: gate_denied
package falaj.plan.store_encrypted

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.stores

judged := stores.urns

fail[urn] contains "it is not encrypted, or with keys that the provider manages" if {
	some urn, encryption in stores.encryption
	encryption.on != true
	not plan.hidden(encryption.on)
}

fail[urn] contains "no key is named, so the key is one that the provider manages" if {
	some urn, encryption in stores.encryption
	encryption.on == true
	encryption.key in {null, ""}
}

fail[urn] contains "the key is one that the provider manages" if {
	some urn, encryption in stores.encryption
	is_string(encryption.key)
	contains(encryption.key, "alias/aws/")
}

unknown[urn] contains "whether it is encrypted is not known before an apply" if {
	some urn, encryption in stores.encryption
	plan.hidden(encryption.on)
}

unknown[urn] contains "the key is not known before an apply, and no reference says whose it is" if {
	some urn, encryption in stores.encryption
	plan.hidden(encryption.key)
	count(encryption.keys) == 0
}
