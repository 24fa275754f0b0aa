# METADATA
# title: Pods cannot borrow their node's credentials
# description: |
#   The metadata service hands the node's role to whoever asks. Sessions (IMDSv2) with a hop limit of one keep pods out. A node
#   group without a launch template of its own cannot say so; nodes of Auto Mode are never otherwise.
# custom:
#   check: C08
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate", "aws:eks/nodeGroup:NodeGroup", "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.3, A.8.5, A.8.9], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Use a launch template, or a class of nodes, with metadataOptions httpTokens required and httpPutResponseHopLimit 1.
#   runbook: gate_denied
package falaj.plan.node_metadata

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains machine.urn if some machine in machines

judged contains group.urn if some group in groups

fail[machine.urn] contains "metadata is handed out without a session (httpTokens is not required)" if {
	some machine in machines
	not switched_off(machine)
	value := option(machine, "httpTokens")
	value != "required"
	not plan.hidden(value)
}

fail[machine.urn] contains "metadata reaches beyond the node (httpPutResponseHopLimit is not 1)" if {
	some machine in machines
	not switched_off(machine)
	value := option(machine, "httpPutResponseHopLimit")
	value != 1
	not plan.hidden(value)
}

fail[group.urn] contains "it has no launch template, so its nodes keep the defaults" if {
	some group in groups
	object.get(group.inputs, "launchTemplate", null) == null
}

unknown[machine.urn] contains sprintf("%v is not known before an apply", [field]) if {
	some machine in machines
	some field in ["httpTokens", "httpPutResponseHopLimit"]
	plan.hidden(option(machine, field))
}

unknown[group.urn] contains "its launch template is not in this plan" if {
	some group in groups
	object.get(group.inputs, "launchTemplate", null) != null
	not uses_known_template(group)
}

machines := plan.of_types({types.launch_template, types.instance, "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"})

groups := plan.of_type(types.node_group)

option(machine, field) := plan.at(object.get(machine.inputs, "spec", machine.inputs), ["metadataOptions", field])

switched_off(machine) if option(machine, "httpEndpoint") == "disabled"

uses_known_template(group) if count(plan.referred_of(group, "launchTemplate", {types.launch_template})) > 0

uses_known_template(group) if plan.at(group.inputs, ["launchTemplate", "name"]) in template_names

template_names contains template.inputs.name if {
	some template in plan.of_type(types.launch_template)
	is_string(template.inputs.name)
}
