# METADATA
# title: Nothing may reach the whole internet
# description: |
#   Data leaves through connections that go out. No security group lets out to a network wider than the environment's bound,
#   whichever of the three ways it is written, and a VPC's default group lets out nothing.
# custom:
#   check: C11
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"]
#   reads: ["aws:ec2/securityGroupRule:SecurityGroupRule"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.12, A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Name the networks, prefix lists or security groups that may be reached.
#   runbook: gate_denied
package falaj.plan.egress_closed

import rego.v1

import data.falaj.lib.networks
import data.falaj.lib.plan

judged contains resource.urn if some resource in groups

judged contains resource.urn if some resource in rules

fail[urn] contains sprintf("it lets out to %v", [cidr]) if {
	some [urn, cidr] in targets
	plan.known(cidr)
	not networks.narrow(cidr)
}

fail[group.urn] contains "a default security group lets somebody out" if {
	some group in plan.of_type("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
	egress := object.get(group.inputs, "egress", null)
	count(plan.listed(egress)) > 0
	not plan.hidden(egress)
}

unknown[urn] contains "where it lets out to is not known before an apply" if {
	some [urn, cidr] in targets
	plan.hidden(cidr)
}

unknown[rule.urn] contains "whether it lets in or out is not known before an apply" if {
	some rule in plan.of_type("aws:ec2/securityGroupRule:SecurityGroupRule")
	plan.hidden(rule.inputs.type)
}

# A group that says nothing of egress lets out nothing: the provider takes away the rule that AWS gives every group.
groups := plan.of_types({"aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"})

rules := array.concat(
	plan.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"),
	[rule |
		some rule in plan.of_type("aws:ec2/securityGroupRule:SecurityGroupRule")
		rule.inputs.type != "ingress"
	],
)

# [urn, network that may be reached], hidden ones as their marker.
targets contains [group.urn, cidr] if {
	some group in groups
	some entry in plan.listed(object.get(group.inputs, "egress", null))
	some field in ["cidrBlocks", "ipv6CidrBlocks"]
	some cidr in plan.listed(plan.at(entry, [field]))
}

targets contains [rule.urn, cidr] if {
	some rule in rules
	some field in ["cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks"]
	some cidr in plan.listed(object.get(rule.inputs, field, null))
}
