# METADATA
# title: A GPU pool is reserved, labelled and bounded
# description: |
#   GPU nodes cost too much to be filled by accident or to grow without end: a taint keeps other pods off, labels let GPU jobs
#   find them, and the maximum size is within the environment's bound.
# custom:
#   check: C10
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: []
#   reads: ["aws:ec2/launchTemplate:LaunchTemplate", "aws:eks/nodeGroup:NodeGroup"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.6], iso42001: [A.4.5]}
#   remediation: Add the taint nvidia.com/gpu with NO_SCHEDULE, at least one label, and scalingConfig.maxSize within gpu.maximum_nodes.
#   runbook: gate_denied
package falaj.plan.gpu_pool

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains group.urn if some group in pools

judged contains urn if some urn in unclear

fail[group.urn] contains "no taint keeps other pods off (nvidia.com/gpu, NO_SCHEDULE)" if {
	some group in pools
	not plan.holds_hidden(taints(group))
	count([taint | some taint in plan.listed(taints(group)); reserves(taint)]) == 0
}

fail[group.urn] contains "it has no label by which GPU jobs find it" if {
	some group in pools
	labels := object.get(group.inputs, "labels", {})
	not plan.hidden(labels)
	count(labels) == 0
}

fail[group.urn] contains sprintf("it may grow to %v nodes; allowed: %v", [size, input.parameters.gpu.maximum_nodes]) if {
	some group in pools
	size := maximum(group)
	is_number(size)
	size > input.parameters.gpu.maximum_nodes
}

fail[group.urn] contains "it has no maximum size" if {
	some group in pools
	maximum(group) == null
}

fail[group.urn] contains sprintf("its maximum size is no number: %v", [maximum(group)]) if {
	some group in pools
	plan.misread(maximum(group))
}

unknown[urn] contains "its machine types or image are not known before an apply, so nobody can say whether it has GPUs" if some urn in unclear

unknown[group.urn] contains "its taints are not known before an apply" if {
	some group in pools
	plan.holds_hidden(taints(group))
}

unknown[group.urn] contains "its labels are not known before an apply" if {
	some group in pools
	plan.hidden(object.get(group.inputs, "labels", {}))
}

unknown[group.urn] contains "its maximum size is not known before an apply" if {
	some group in pools
	plan.hidden(maximum(group))
}

groups := plan.of_type(types.node_group)

pools contains group if {
	some group in groups
	some machine in machines(group)
	is_string(machine)
	regex.match(input.parameters.gpu.machine_types, machine)
}

pools contains group if {
	some group in groups
	is_string(group.inputs.amiType)
	contains(group.inputs.amiType, "NVIDIA")
}

unclear contains group.urn if {
	some group in groups
	not group in pools
	some machine in machines(group)
	plan.hidden(machine)
}

unclear contains group.urn if {
	some group in groups
	not group in pools
	plan.hidden(object.get(group.inputs, "amiType", null))
}

# Machine types: the group's own, or those of the launch templates it refers to.
machines(group) := array.concat(
	plan.listed(object.get(group.inputs, "instanceTypes", null)),
	[machine |
		some urn in plan.referred_of(group, "launchTemplate", {types.launch_template})
		machine := plan.get(urn).inputs.instanceType
	],
)

taints(group) := object.get(group.inputs, "taints", null)

reserves(taint) if {
	taint.key == "nvidia.com/gpu"
	taint.effect in {"NO_SCHEDULE", "NO_EXECUTE"}
}

maximum(group) := plan.at(group.inputs, ["scalingConfig", "maxSize"])
