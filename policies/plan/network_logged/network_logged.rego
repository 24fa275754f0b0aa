# METADATA
# title: A network's traffic is recorded
# description: |
#   A flow log of all traffic belongs to each network. A log that does not say yet whose it is may be any network's.
# custom:
#   check: C11
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ec2/vpc:Vpc"]
#   reads: ["aws:ec2/flowLog:FlowLog"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.15, A.8.16], gdpr: ["33"], uae_pdpl: ["9"]}
#   remediation: Add a FlowLog with trafficType ALL for the VPC, to the log bucket or a log group with a key.
#   runbook: gate_denied
package falaj.plan.network_logged

import rego.v1

import data.falaj.lib.plan

judged contains network.urn if some network in networks

fail[network.urn] contains "no flow log records its traffic" if {
	some network in networks
	not network.urn in recorded
	count(adrift) == 0
}

fail[urn] contains sprintf("its flow log records %v traffic only", [kind]) if {
	some [urn, log] in logs_of
	kind := traffic(log)
	plan.known(kind)
	kind != "ALL"
}

unknown[network.urn] contains "a flow log does not say yet which network it records" if {
	some network in networks
	not network.urn in recorded
	count(adrift) > 0
}

unknown[urn] contains "which traffic its flow log records is not known before an apply" if {
	some [urn, log] in logs_of
	plan.hidden(traffic(log))
}

networks := plan.of_type("aws:ec2/vpc:Vpc")

logs := plan.of_type("aws:ec2/flowLog:FlowLog")

# A network has no name of its own to be known by before it is made, so the reference says whose log it is.
logs_of contains [urn, log.urn] if {
	some log in logs
	some urn in plan.referred_of(log, "vpcId", {"aws:ec2/vpc:Vpc"})
}

recorded contains urn if some [urn, _] in logs_of

adrift contains log.urn if {
	some log in logs
	plan.hidden(log.inputs.vpcId)
	count(plan.referred_of(log, "vpcId", {"aws:ec2/vpc:Vpc"})) == 0
}

traffic(log) := plan.at(plan.get(log).inputs, ["trafficType"])
