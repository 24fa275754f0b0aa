# METADATA
# title: The cluster's API is reached from inside only
# description: A public endpoint puts the control plane before everybody's password guesses; EKS opens one unless told not to.
# custom:
#   check: C07
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:eks/cluster:Cluster"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Set vpcConfig.endpointPrivateAccess true and vpcConfig.endpointPublicAccess false, and reach the API through the network.
#   runbook: gate_denied
package falaj.plan.cluster_endpoint_private

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains cluster.urn if some cluster in clusters

fail[cluster.urn] contains "the private endpoint is off" if {
	some cluster in clusters
	value := plan.at(cluster.inputs, ["vpcConfig", "endpointPrivateAccess"])
	value != true
	not plan.hidden(value)
}

fail[cluster.urn] contains "the public endpoint is on (EKS turns it on where nothing is said)" if {
	some cluster in clusters
	value := plan.at(cluster.inputs, ["vpcConfig", "endpointPublicAccess"])
	value != false
	not plan.hidden(value)
}

unknown[cluster.urn] contains sprintf("%v is not known before an apply", [field]) if {
	some cluster in clusters
	some field in ["endpointPrivateAccess", "endpointPublicAccess"]
	plan.hidden(plan.at(cluster.inputs, ["vpcConfig", field]))
}

clusters := plan.of_type(types.cluster)
