# METADATA
# title: A GPU pool is reserved, labelled and bounded
# description: |
#   GPU nodes cost too much to be filled by accident or to grow without end: a taint keeps other pods off, labels let GPU jobs
#   find them, and the maximum size is within the environment's bound. Spot machines, which the provider takes back in two minutes, are
#   for jobs that go on from where they stopped, which a label of the pool says.
# custom:
#   check: C10
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: []
#   reads: ["aws:ec2/launchTemplate:LaunchTemplate", "aws:eks/nodeGroup:NodeGroup", "kubernetes:karpenter.sh/v1:NodePool"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.6], iso42001: [A.4.5]}
#   remediation: Add the taint nvidia.com/gpu with NO_SCHEDULE, at least one label, and scalingConfig.maxSize within gpu.maximum_nodes; for a NodePool limits with nvidia.com/gpu. Choose ON_DEMAND, or label a pool of restartable jobs falaj/restartable=true.
#   runbook: gate_denied
package falaj.plan.gpu_pool

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains group.urn if some group in pools

judged contains urn if some urn in unclear

judged contains pool.urn if some pool in scaled

fail[pool.urn] contains "no taint keeps other pods off (nvidia.com/gpu, NoSchedule)" if {
	some pool in scaled
	found := plan.at(pool.inputs, template("taints"))
	not plan.holds_hidden(found)
	count([taint | some taint in plan.listed(found); reserved(taint)]) == 0
}

fail[pool.urn] contains "it may start GPUs without end: limits name no nvidia.com/gpu" if {
	some pool in scaled
	limits := plan.at(pool.inputs, ["spec", "limits"])
	not plan.holds_hidden(limits)
	limit := plan.at(limits, ["nvidia.com/gpu"])
	not bounded(limit)
}

fail[pool.urn] contains "a run would be moved to save a machine: consolidationPolicy is not WhenEmpty" if {
	some pool in scaled
	policy := plan.at(pool.inputs, ["spec", "disruption", "consolidationPolicy"])
	not plan.hidden(policy)
	policy != "WhenEmpty"
}

fail[urn] contains "its machines may be taken back (spot), and no label falaj/restartable=true says that its jobs can be started again" if {
	some [urn, "spot", said] in offers
	not plan.hidden(said)
	said != "true"
}

unknown[urn] contains "whether its machines may be taken back (spot) is not known before an apply" if {
	some [urn, "unknown", said] in offers
	said != "true"
}

unknown[urn] contains "whether its jobs can be started again is not known before an apply" if {
	some [urn, "spot", said] in offers
	plan.hidden(said)
}

unknown[pool.urn] contains sprintf("its %v are not known before an apply", [word]) if {
	some pool in scaled
	some word, path in {"limits": ["spec", "limits"], "taints": template("taints"), "rules of disruption": ["spec", "disruption"]}
	plan.holds_hidden(plan.at(pool.inputs, path))
}

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

# Of each pool: URN, what it is paid as, and what its label says of its jobs. A managed group takes no spot from its template.
offers contains [group.urn, paid(object.get(group.inputs, "capacityType", null)), plan.at(group.inputs, ["labels", "falaj/restartable"])] if some group in pools

offers contains [pool.urn, started(pool), plan.at(pool.inputs, ["spec", "template", "metadata", "labels", "falaj/restartable"])] if some pool in scaled

paid(type) := "unknown" if {
	plan.hidden(type)
} else := "other" if {
	type in {null, "ON_DEMAND", "CAPACITY_BLOCK"}
} else := "spot"

# Where no requirement says otherwise, the cheapest is started, which is spot.
started(pool) := "unknown" if {
	plan.holds_hidden(plan.at(pool.inputs, template("requirements")))
} else := "other" if {
	some requirement in plan.listed(plan.at(pool.inputs, template("requirements")))
	object.get(requirement, "key", null) == "karpenter.sh/capacity-type"
	values := {value | some value in plan.listed(object.get(requirement, "values", null))}
	[object.get(requirement, "operator", null), "spot" in values] in {["In", false], ["NotIn", true]}
} else := "spot"

groups := plan.of_type(types.node_group)

nodes := plan.of_type("kubernetes:karpenter.sh/v1:NodePool")

# Labels that name machines, whoever starts them.
naming := {"node.kubernetes.io/instance-type", "karpenter.k8s.aws/instance-family", "eks.amazonaws.com/instance-family"}

# What Karpenter or Auto Mode starts with GPUs: by machine or family, or as long as nobody knows which.
scaled contains pool if {
	some pool in nodes
	some requirement in plan.listed(plan.at(pool.inputs, template("requirements")))
	object.get(requirement, "key", null) in naming
	some value in plan.listed(object.get(requirement, "values", null))
	is_string(value)
	regex.match(input.parameters.gpu.machine_types, concat("", [value, "."]))
}

scaled contains pool if {
	some pool in nodes
	plan.holds_hidden(plan.at(pool.inputs, template("requirements")))
}

scaled contains pool if {
	some pool in nodes
	not machines_named(pool)
}

machines_named(pool) if {
	some requirement in plan.listed(plan.at(pool.inputs, template("requirements")))
	object.get(requirement, "key", null) in naming
	object.get(requirement, "operator", null) == "In"
}

template(field) := ["spec", "template", "spec", field]

bounded(limit) if regex.match(`^[0-9]+$`, sprintf("%v", [limit]))

reserved(taint) if {
	taint.key == "nvidia.com/gpu"
	taint.effect in {"NoSchedule", "NoExecute"}
}

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
