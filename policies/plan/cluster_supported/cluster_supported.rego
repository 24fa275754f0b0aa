# METADATA
# title: The cluster's version is supported
# description: |
#   A version that gets no fixes any more is a hole with a date.
# custom:
#   check: C07
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:eks/cluster:Cluster"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.8, A.8.9], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Choose one of the supported versions, and standard support.
#   runbook: gate_denied
package falaj.plan.cluster_supported

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains cluster.urn if some cluster in clusters

fail[cluster.urn] contains "it names no version, so the provider's default decides" if {
	some cluster in clusters
	version(cluster) == null
}

fail[cluster.urn] contains sprintf("its version is %v; supported: %v", [version(cluster), concat(", ", input.parameters.cluster.versions)]) if {
	some cluster in clusters
	found := version(cluster)
	is_string(found)
	not found in input.parameters.cluster.versions
}

unknown[cluster.urn] contains "its version is not known before an apply" if {
	some cluster in clusters
	plan.hidden(version(cluster))
}

clusters := plan.of_type(types.cluster)

version(cluster) := object.get(cluster.inputs, "version", null)
