# METADATA
# title: Nobody logs in to a node
# description: |
#   Nodes take no SSH key and no remote access, and get no public address; what goes wrong on one is looked into by replacing it.
# custom:
#   check: C08
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:eks/nodeGroup:NodeGroup", "aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/instance:Instance", "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", "kubernetes:eks.amazonaws.com/v1:NodeClass"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.2, A.8.5, A.8.9], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Take remoteAccess, keyName and associatePublicIpAddress out; in a class of nodes set associatePublicIPAddress to false or leave it out.
#   runbook: gate_denied
package falaj.plan.node_closed

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains node.urn if some node in nodes

fail[node.urn] contains sprintf("%v opens it to a login", [field]) if {
	some node in nodes
	some field in ["remoteAccess", "keyName"]
	value := object.get(node.inputs, field, null)
	not plan.hidden(value)
	not value in {null, ""}
}

fail[node.urn] contains "it gets a public address" if {
	some node in nodes
	some value in addresses[node.urn]
	value in {true, "true"}
}

unknown[node.urn] contains sprintf("%v is not known before an apply", [field]) if {
	some node in nodes
	some field in ["remoteAccess", "keyName"]
	plan.hidden(object.get(node.inputs, field, null))
}

unknown[node.urn] contains "whether it gets a public address is not known before an apply" if {
	some node in nodes
	some value in addresses[node.urn]
	plan.hidden(value)
}

nodes := plan.of_types({types.node_group, types.launch_template, types.instance} | object.keys(classes))

# Where a class of nodes says it, in the words of Karpenter and of Auto Mode.
classes := {
	"kubernetes:karpenter.k8s.aws/v1:EC2NodeClass": ["spec", "associatePublicIPAddress"],
	"kubernetes:eks.amazonaws.com/v1:NodeClass": ["spec", "advancedNetworking", "associatePublicIPAddress"],
}

# Of an instance it stands on itself, of a launch template on its interfaces.
addresses := {node.urn: values |
	some node in nodes
	values := {value |
		some value in array.concat([plan.at(node.inputs, path) | path := classes[node.type]], on_interfaces(node))
		value != null
	}
}

on_interfaces(node) := [plan.at(place, ["associatePublicIpAddress"]) |
	some place in array.concat([node.inputs], plan.listed(object.get(node.inputs, "networkInterfaces", null)))
]
