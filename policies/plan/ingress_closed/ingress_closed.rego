# METADATA
# title: Nothing is open to the whole internet
# description: |
#   No security group lets in a network wider than the environment's bound, whichever of the three ways it is written; a VPC's
#   default group lets in nobody; and a Kubernetes Service is reached from inside only.
# custom:
#   check: C11
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects:
#     - "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
#     - "aws:ec2/securityGroup:SecurityGroup"
#     - "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
#     - "kubernetes:core/v1:Service"
#   reads: ["aws:ec2/securityGroupRule:SecurityGroupRule"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Name the networks or security groups that may come in; make a load balancer internal.
#   runbook: gate_denied
package falaj.plan.ingress_closed

import rego.v1

import data.falaj.lib.networks
import data.falaj.lib.plan

judged contains resource.urn if some resource in groups

judged contains resource.urn if some resource in rules

judged contains resource.urn if some resource in services

fail[urn] contains sprintf("it lets in %v", [cidr]) if {
	some [urn, cidr] in sources
	plan.known(cidr)
	not networks.narrow(cidr)
}

fail[group.urn] contains "a default security group lets somebody in" if {
	some group in plan.of_type("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
	count(plan.listed(object.get(group.inputs, "ingress", null))) > 0
	not plan.hidden(object.get(group.inputs, "ingress", null))
}

fail[service.urn] contains sprintf("it is a %v Service that is not marked internal", [plan.at(service.inputs, ["spec", "type"])]) if {
	some service in services
	plan.at(service.inputs, ["spec", "type"]) in {"LoadBalancer", "NodePort"}
	not plan.hidden(annotations(service))
	not inside(service)
}

fail[service.urn] contains "it has outside addresses" if {
	some service in services
	count(plan.listed(plan.at(service.inputs, ["spec", "externalIPs"]))) > 0
	not plan.holds_hidden(plan.at(service.inputs, ["spec", "externalIPs"]))
}

unknown[urn] contains "whom it lets in is not known before an apply" if {
	some [urn, cidr] in sources
	plan.hidden(cidr)
}

unknown[service.urn] contains "how it is reached is not known before an apply" if {
	some service in services
	some path in [["spec", "type"], ["spec", "externalIPs"]]
	plan.holds_hidden(plan.at(service.inputs, path))
}

unknown[service.urn] contains "whether it is internal is not known before an apply" if {
	some service in services
	plan.at(service.inputs, ["spec", "type"]) in {"LoadBalancer", "NodePort"}
	plan.hidden(annotations(service))
}

groups := plan.of_types({"aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"})

rules := array.concat(
	plan.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"),
	[rule |
		some rule in plan.of_type("aws:ec2/securityGroupRule:SecurityGroupRule")
		object.get(rule.inputs, "type", "ingress") != "egress"
	],
)

services := plan.of_type("kubernetes:core/v1:Service")

# [urn, network that may come in], hidden ones as their marker.
sources contains [group.urn, cidr] if {
	some group in groups
	some entry in plan.listed(object.get(group.inputs, "ingress", null))
	some field in ["cidrBlocks", "ipv6CidrBlocks"]
	some cidr in plan.listed(plan.at(entry, [field]))
}

sources contains [rule.urn, cidr] if {
	some rule in rules
	some field in ["cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks"]
	some cidr in plan.listed(object.get(rule.inputs, field, null))
}

annotations(service) := plan.at(service.inputs, ["metadata", "annotations"])

inside(service) if annotations(service)["service.beta.kubernetes.io/aws-load-balancer-internal"] == "true"

inside(service) if annotations(service)["service.beta.kubernetes.io/aws-load-balancer-scheme"] == "internal"
