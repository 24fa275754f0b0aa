# METADATA
# title: An image cannot change under its name
# description: |
#   Tags of the registry are fixed, images are scanned when they arrive, and layers are encrypted with a key of ours.
# custom:
#   check: C13
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ecr/repository:Repository"]
#   reads: ["aws:kms/key:Key"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.21, A.8.8, A.8.24], gdpr: ["32(1)(a)"], uae_pdpl: ["20"]}
#   remediation: Set imageTagMutability to IMMUTABLE, scanOnPush to true and encryptionConfigurations to KMS with a key.
#   runbook: gate_denied
package falaj.plan.image_repository

import rego.v1

import data.falaj.lib.plan

judged contains repository.urn if some repository in repositories

fail[repository.urn] contains "a tag can be moved to another image" if {
	some repository in repositories
	value := object.get(repository.inputs, "imageTagMutability", null)
	not value in {"IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"}
	not plan.hidden(value)
}

fail[repository.urn] contains "images are not scanned when they arrive" if {
	some repository in repositories
	value := plan.at(repository.inputs, ["imageScanningConfiguration", "scanOnPush"])
	value != true
	not plan.hidden(value)
}

fail[repository.urn] contains "its layers are not encrypted with a key of ours" if {
	some repository in repositories
	not plan.holds_hidden(object.get(repository.inputs, "encryptionConfigurations", null))
	count([1 | some one in encryptions(repository); one.encryptionType in {"KMS", "KMS_DSSE"}; is_string(one.kmsKey)]) == 0
}

unknown[repository.urn] contains sprintf("%v is not known before an apply", [concat(".", path)]) if {
	some repository in repositories
	some path in [["imageTagMutability"], ["imageScanningConfiguration", "scanOnPush"]]
	plan.hidden(plan.at(repository.inputs, path))
}

unknown[repository.urn] contains "how its layers are encrypted is not known before an apply" if {
	some repository in repositories
	plan.holds_hidden(object.get(repository.inputs, "encryptionConfigurations", null))
	count(own_key(repository)) == 0
}

repositories := plan.of_type("aws:ecr/repository:Repository")

encryptions(repository) := plan.listed(object.get(repository.inputs, "encryptionConfigurations", null))

# A key that is not made yet is ours where the plan says which of its keys it is, and only the key is hidden.
own_key(repository) := {key |
	some one in encryptions(repository)
	is_object(one)
	one.encryptionType in {"KMS", "KMS_DSSE"}
	plan.hidden(one.kmsKey)
	some key in plan.referred_of(repository, "encryptionConfigurations", {"aws:kms/key:Key"})
}
