# METADATA
# title: A subnet hands out no public address
# description: |
#   What starts in a subnet is reachable from outside only where somebody says so for it alone.
# custom:
#   check: C11
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ec2/subnet:Subnet"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Set mapPublicIpOnLaunch to false, or leave it out.
#   runbook: gate_denied
package falaj.plan.subnet_private

import rego.v1

import data.falaj.lib.plan

judged := {subnet.urn | some subnet in all}

fail[subnet.urn] contains sprintf("%v is on, so whatever starts here gets a public address", [field]) if {
	some subnet in subnets
	some field in fields
	value := object.get(subnet.inputs, field, null)
	value != null
	value != false
	not plan.hidden(value)
}

unknown[subnet.urn] contains sprintf("%v is not known before an apply", [field]) if {
	some subnet in subnets
	some field in fields
	plan.hidden(object.get(subnet.inputs, field, null))
}

all := plan.of_type("aws:ec2/subnet:Subnet")

# Those that say anything but "off" of one of the fields.
subnets := [subnet |
	some subnet in all
	some field in fields
	subnet.inputs[field]
]

fields := ["mapPublicIpOnLaunch", "mapCustomerOwnedIpOnLaunch", "assignIpv6AddressOnCreation"]
