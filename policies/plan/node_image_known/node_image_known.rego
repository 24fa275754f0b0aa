# METADATA
# title: A node runs an image of a known family
# description: |
#   An image decides what else runs on a node. Node groups name a family that is read-only, without a shell, and signed by its
#   maker, in one release; an image by its own number says nothing of who built it. In Auto Mode EKS chooses, and nobody else can.
# custom:
#   check: C08
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:eks/nodeGroup:NodeGroup", "aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/instance:Instance", "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.9, A.8.19], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Set amiType to one of nodes.image_families with a releaseVersion, and leave imageId out of the launch template; for Karpenter name an alias such as bottlerocket@v1.65.0.
#   runbook: gate_denied
package falaj.plan.node_image_known

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains node.urn if some node in nodes

fail[group.urn] contains "it names no family of images, so the default of the day decides" if {
	some group in groups
	object.get(group.inputs, "amiType", null) == null
}

fail[group.urn] contains sprintf("it runs %v, which is none of the families that are allowed", [family]) if {
	some group in groups
	family := group.inputs.amiType
	plan.known(family)
	not family in input.parameters.nodes.image_families
}

fail[node.urn] contains sprintf("it runs image %v, which is of no family that is known", [image]) if {
	some [node, image] in images
	plan.known(image)
	not by_family(image)
}

fail[group.urn] contains "it names no release of its image, so the newest of the day decides" if {
	some group in groups
	release := object.get(group.inputs, "releaseVersion", null)
	not plan.hidden(release)
	not named(release)
}

unknown[group.urn] contains "which release of its image it runs is not known before an apply" if {
	some group in groups
	plan.hidden(object.get(group.inputs, "releaseVersion", null))
}

unknown[group.urn] contains "which family of images it runs is not known before an apply" if {
	some group in groups
	plan.hidden(group.inputs.amiType)
}

unknown[node.urn] contains "which image it runs is not known before an apply" if {
	some [node, image] in images
	plan.hidden(image)
}

groups := plan.of_type(types.node_group)

named(release) if {
	is_string(release)
	regex.match(`^[0-9]+\.[0-9]+\.[0-9]+-[0-9a-z]+$`, release)
}

fail[class.urn] contains "it takes another image than one version of a family that is known" if {
	some class in classes
	terms := plan.at(class.inputs, ["spec", "amiSelectorTerms"])
	not plan.holds_hidden(terms)
	count([1 | some term in plan.listed(terms); of_one_version(object.get(term, "alias", null))]) != 1
}

unknown[class.urn] contains "which image its nodes run is not known before an apply" if {
	some class in classes
	plan.holds_hidden(plan.at(class.inputs, ["spec", "amiSelectorTerms"]))
}

classes := plan.of_type("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass")

of_one_version(alias) if {
	is_string(alias)
	regex.match(`^bottlerocket@v[0-9]+\.[0-9]+\.[0-9]+$`, alias)
}

nodes := plan.of_types({types.node_group, types.launch_template, types.instance, "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"})

# A template that names no image leaves it to the family of its node group.
images := [[node, image] |
	some type, field in {types.launch_template: "imageId", types.instance: "ami"}
	some node in plan.of_type(type)
	image := object.get(node.inputs, field, null)
	image != null
]

# The public parameter of a family that AWS signs and keeps.
by_family(image) if {
	is_string(image)
	regex.match(`^resolve:ssm:/aws/service/bottlerocket/`, image)
}
