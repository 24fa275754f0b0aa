# METADATA
# title: The cluster writes all its control-plane logs
# description: Who asked the API for what can only be shown later if it was written down at the time.
# custom:
#   check: C07
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:eks/cluster:Cluster"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.15, A.8.16], gdpr: ["33"], uae_pdpl: ["9"]}
#   remediation: Set enabledClusterLogTypes to api, audit, authenticator, controllerManager and scheduler.
#   runbook: gate_denied
package falaj.plan.cluster_logged

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

wanted := {"api", "audit", "authenticator", "controllerManager", "scheduler"}

judged contains cluster.urn if some cluster in clusters

fail[cluster.urn] contains sprintf("these logs are not written: %v", [concat(", ", sort(missing))]) if {
	some cluster in clusters
	not plan.holds_hidden(kinds(cluster))
	missing := wanted - {kind | some kind in plan.listed(kinds(cluster))}
	count(missing) > 0
}

unknown[cluster.urn] contains "which logs are written is not known before an apply" if {
	some cluster in clusters
	plan.holds_hidden(kinds(cluster))
}

kinds(cluster) := object.get(cluster.inputs, "enabledClusterLogTypes", null)

clusters := plan.of_type(types.cluster)
