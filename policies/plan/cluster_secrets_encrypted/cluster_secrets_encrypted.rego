# METADATA
# title: The cluster's secrets are encrypted with a key of ours
# description: |
#   Kubernetes secrets lie in the control plane's store; envelope encryption makes them useless without our key. EKS takes
#   customer keys only here, so a key that is named but not known before an apply is still one of ours.
# custom:
#   check: C07
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:eks/cluster:Cluster"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.24], gdpr: ["32(1)(a)"], uae_pdpl: ["20"]}
#   remediation: Set encryptionConfig with resources [secrets] and provider.keyArn of a key of ours.
#   runbook: gate_denied
package falaj.plan.cluster_secrets_encrypted

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains cluster.urn if some cluster in clusters

fail[cluster.urn] contains "secrets are not among what encryptionConfig encrypts" if {
	some cluster in clusters
	value := plan.at(cluster.inputs, ["encryptionConfig", "resources"])
	not plan.holds_hidden(value)
	not "secrets" in plan.listed(value)
}

fail[cluster.urn] contains "encryptionConfig names no key" if {
	some cluster in clusters
	plan.at(cluster.inputs, ["encryptionConfig", "provider", "keyArn"]) == null
}

unknown[cluster.urn] contains "what encryptionConfig encrypts is not known before an apply" if {
	some cluster in clusters
	value := plan.at(cluster.inputs, ["encryptionConfig", "resources"])
	plan.holds_hidden(value)
}

unknown[cluster.urn] contains "encryptionConfig's provider is not known before an apply" if {
	some cluster in clusters
	plan.hidden(plan.at(cluster.inputs, ["encryptionConfig", "provider"]))
}

clusters := plan.of_type(types.cluster)
