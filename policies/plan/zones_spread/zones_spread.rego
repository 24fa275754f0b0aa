# METADATA
# title: A network stands in enough zones
# description: |
#   Losing one zone must not lose the platform; two of the region's three zones have been lost at once before.
# custom:
#   check: C17
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ec2/vpc:Vpc"]
#   reads: ["aws:ec2/subnet:Subnet"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.29, A.8.14], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Add subnets in further zones of the region.
#   runbook: gate_denied
package falaj.plan.zones_spread

import rego.v1

import data.falaj.lib.plan

judged contains network.urn if some network in networks

fail[network.urn] contains sprintf("its subnets lie in %v zones; %v are needed", [count(zones), input.parameters.network.minimum_zones]) if {
	some network in networks
	zones := zones_of(network.urn)
	count(zones) < input.parameters.network.minimum_zones
	not network.urn in unclear
}

unknown[urn] contains "in which zones its subnets lie is not known before an apply" if {
	some urn in unclear
	count(zones_of(urn)) < input.parameters.network.minimum_zones
}

networks := plan.of_type("aws:ec2/vpc:Vpc")

placed contains [urn, zone] if {
	some subnet in plan.of_type("aws:ec2/subnet:Subnet")
	some urn in plan.referred_of(subnet, "vpcId", {"aws:ec2/vpc:Vpc"})
	some field in ["availabilityZone", "availabilityZoneId"]
	zone := subnet.inputs[field]
}

in_network[urn] contains zone if {
	some [urn, zone] in placed
	is_string(zone)
}

zones_of(urn) := {zone | some zone in in_network[urn]}

unclear contains urn if {
	some [urn, zone] in placed
	plan.hidden(zone)
}

# A subnet that does not say yet whose it is may be any network's.
unclear contains network.urn if {
	count(adrift) > 0
	some network in networks
}

adrift contains subnet.urn if {
	some subnet in plan.of_type("aws:ec2/subnet:Subnet")
	plan.hidden(subnet.inputs.vpcId)
	count(plan.referred_of(subnet, "vpcId", {"aws:ec2/vpc:Vpc"})) == 0
}
