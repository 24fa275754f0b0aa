# METADATA
# title: Disks of nodes and pods are encrypted with a key of ours
# description: |
#   Training data and models lie on node disks while they are worked on. Every disk a machine names is encrypted, with a key
#   that we can revoke; a machine that names none keeps the image's own, unencrypted unless the account says otherwise. So does
#   every disk that a storage class makes for a pod. Pools that
#   EKS brings along in Auto Mode have a key that nobody can choose.
# custom:
#   check: C08
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ebs/volume:Volume", "aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate", "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", "kubernetes:eks.amazonaws.com/v1:NodeClass", "kubernetes:storage.k8s.io/v1:StorageClass"]
#   reads: ["aws:eks/cluster:Cluster", "aws:kms/key:Key"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.24], gdpr: ["32(1)(a)"], uae_pdpl: ["20"]}
#   remediation: Name every block device, and the parameters of every storage class of disks, with encrypted true and kmsKeyId of a key of ours; in Auto Mode take nodePools out and name ephemeralStorage.kmsKeyID in the class.
#   runbook: gate_denied
package falaj.plan.node_disks

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains machine.urn if some machine in machines

judged contains class.urn if some class in classes

judged contains cluster.urn if {
	some cluster in plan.of_type(types.cluster)
	count(plan.listed(own_pools(cluster))) > 0
}

fail[cluster.urn] contains "its own pools of nodes keep their disks under a key that the provider manages" if {
	some cluster in plan.of_type(types.cluster)
	count(plan.listed(own_pools(cluster))) > 0
	not plan.hidden(own_pools(cluster))
}

unknown[cluster.urn] contains "whether it brings pools of nodes along is not known before an apply" if {
	some cluster in plan.of_type(types.cluster)
	plan.hidden(own_pools(cluster))
}

fail[machine.urn] contains "it names no disk, so the image's defaults decide" if {
	some machine in machines
	not machine.urn in unclear
	not machine.urn in with_disks
}

fail[urn] contains sprintf("disk %v is not encrypted", [name]) if {
	some [urn, disk, name] in disks
	value := truth(plan.at(disk, ["encrypted"]))
	value != true
	not plan.hidden(value)
}

fail[urn] contains sprintf("disk %v names no key, so the key is one that the provider manages", [name]) if {
	some [urn, disk, name] in disks
	plan.at(disk, ["kmsKeyId"]) in {null, ""}
}

fail[urn] contains sprintf("the key of disk %v is one that the provider manages", [name]) if {
	some [urn, disk, name] in disks
	is_string(plan.at(disk, ["kmsKeyId"]))
	contains(disk.kmsKeyId, "alias/aws/")
}

fail[machine.urn] contains "a mapping says nothing of its disk, so the image's defaults decide" if {
	some machine in machines
	some mapping in plan.listed(object.get(machine.inputs, "blockDeviceMappings", null))
	not plan.hidden(mapping)
	count([1 | some field in ["ebs", "virtualName", "noDevice"]; plan.at(mapping, [field]) != null]) == 0
}

unknown[urn] contains "its disks are not known before an apply" if some urn in unclear

unknown[urn] contains sprintf("whether disk %v is encrypted is not known before an apply", [name]) if {
	some [urn, disk, name] in disks
	plan.hidden(plan.at(disk, ["encrypted"]))
}

unknown[urn] contains sprintf("the key of disk %v is not known before an apply, and no reference says whose it is", [name]) if {
	some [urn, disk, name] in disks
	plan.hidden(plan.at(disk, ["kmsKeyId"]))
	count(keys(urn)) == 0
}

machines := plan.of_types({types.launch_template, types.instance, "aws:ebs/volume:Volume", "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", auto})

auto := "kubernetes:eks.amazonaws.com/v1:NodeClass"

own_pools(cluster) := plan.at(cluster.inputs, ["computeConfig", "nodePools"])

with_disks contains urn if some [urn, _, _] in disks

fields := ["blockDeviceMappings", "rootBlockDevice", "ebsBlockDevices"]

disks contains [machine.urn, mapping.ebs, object.get(mapping, "deviceName", sprintf("%v", [index]))] if {
	some machine in machines
	some index, mapping in plan.listed(object.get(machine.inputs, "blockDeviceMappings", null))
	plan.known(object.get(mapping, "ebs", null))
}

# A class of nodes writes the same a little differently.
disks contains [class.urn, object.union(mapping.ebs, {"kmsKeyId": object.get(mapping.ebs, "kmsKeyID", null)}), object.get(mapping, "deviceName", sprintf("%v", [index]))] if {
	some class in plan.of_type("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass")
	some index, mapping in plan.listed(plan.at(class.inputs, ["spec", "blockDeviceMappings"]))
	plan.known(object.get(mapping, "ebs", null))
}

disks contains [machine.urn, disk, object.get(disk, "deviceName", field)] if {
	some machine in machines
	some field in ["rootBlockDevice", "ebsBlockDevices"]
	some disk in plan.listed(object.get(machine.inputs, field, null))
	not plan.hidden(disk)
}

# Disks that a driver makes as pods ask for them. Other drivers make none, and what they share is judged where it is made.
disks contains [class.urn, object.get(class.inputs, "parameters", {}), "of a pod"] if {
	some class in classes
	object.get(class.inputs, "provisioner", null) in {"ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com"}
	not plan.hidden(object.get(class.inputs, "parameters", null))
}

unclear contains class.urn if {
	some class in classes
	some field in ["provisioner", "parameters"]
	plan.hidden(object.get(class.inputs, field, null))
}

classes := plan.of_type("kubernetes:storage.k8s.io/v1:StorageClass")

# In Auto Mode the one disk of a node is always encrypted, and the class says under which key.
disks contains [class.urn, {"encrypted": true, "kmsKeyId": plan.at(class.inputs, ["spec", "ephemeralStorage", "kmsKeyID"])}, "ephemeralStorage"] if {
	some class in plan.of_type(auto)
}

disks contains [volume.urn, volume.inputs, "itself"] if some volume in plan.of_type("aws:ebs/volume:Volume")

unclear contains machine.urn if {
	some machine in machines
	some field in fields
	some value in array.concat([object.get(machine.inputs, field, null)], plan.listed(object.get(machine.inputs, field, null)))
	unclear_disk(value)
}

unclear contains class.urn if {
	some class in plan.of_type("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass")
	mappings := plan.at(class.inputs, ["spec", "blockDeviceMappings"])
	some value in array.concat([plan.at(class.inputs, ["spec"]), mappings], plan.listed(mappings))
	unclear_disk(value)
}

unclear_disk(value) if plan.hidden(value)

unclear_disk(value) if plan.hidden(value.ebs)

# Launch templates keep some truths as text.
truth(value) := value == "true" if is_string(value)

truth(value) := value if not is_string(value)

keys(urn) := {key |
	some field in array.concat(fields, ["kmsKeyId"])
	some key in plan.referred_of(plan.get(urn), field, types.keys)
}
