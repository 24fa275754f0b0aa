# METADATA
# title: An account with a network is watched by all that watches
# description: |
#   Who makes a network makes the account's ground. There stand, in the same plan, a trail of all calls, a recorder of what changes and
#   where it tells it, a detector that also reads the clusters' audit logs, a hub that gathers findings, and an analyzer of who has access.
# custom:
#   check: C15
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ec2/vpc:Vpc"]
#   reads:
#     - "aws:accessanalyzer/analyzer:Analyzer"
#     - "aws:cfg/deliveryChannel:DeliveryChannel"
#     - "aws:cfg/recorder:Recorder"
#     - "aws:cloudtrail/trail:Trail"
#     - "aws:guardduty/detector:Detector"
#     - "aws:guardduty/detectorFeature:DetectorFeature"
#     - "aws:securityhub/account:Account"
#   evidence: the plan and its decision
#   since: "2026-11-27"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.7, A.8.15, A.8.16], gdpr: ["33"], uae_pdpl: ["9"]}
#   remediation: Add what is missing beside the network; which of them an environment asks for is the parameter watching.services.
#   runbook: gate_denied
package falaj.plan.account_watched

import rego.v1

import data.falaj.lib.plan

judged contains network.urn if some network in networks

fail[network.urn] contains sprintf("no %v watches its account", [what]) if {
	some network in networks
	some service in input.parameters.watching.services
	some type, what in needed[service]
	count(plan.of_type(type)) == 0
}

fail[network.urn] contains "its account's detector does not read the clusters' audit logs" if {
	some network in networks
	asked_for_clusters
	not reads_clusters
	not perhaps_reads_clusters
}

unknown[network.urn] contains "whether its account's detector reads the clusters' audit logs is not known before an apply" if {
	some network in networks
	asked_for_clusters
	not reads_clusters
	perhaps_reads_clusters
}

networks := plan.of_type("aws:ec2/vpc:Vpc")

# Service of the parameter -> types of which one must be there -> what they are.
needed := {
	"accessanalyzer": {"aws:accessanalyzer/analyzer:Analyzer": "analyzer of access"},
	"cloudtrail": {"aws:cloudtrail/trail:Trail": "trail of calls"},
	"config": {
		"aws:cfg/recorder:Recorder": "recorder of changes",
		"aws:cfg/deliveryChannel:DeliveryChannel": "channel that delivers recorded changes",
	},
	"guardduty": {"aws:guardduty/detector:Detector": "detector of threats"},
	"securityhub": {"aws:securityhub/account:Account": "hub of findings"},
}

asked_for_clusters if "guardduty_eks" in input.parameters.watching.services

# Whether it is switched on, rule watching_on asks.
features := {name |
	some feature in plan.of_type("aws:guardduty/detectorFeature:DetectorFeature")
	name := object.get(feature.inputs, "name", null)
}

switches := {value |
	some detector in plan.of_type("aws:guardduty/detector:Detector")
	value := plan.at(detector.inputs, ["datasources", "kubernetes", "auditLogs", "enable"])
}

reads_clusters if "EKS_AUDIT_LOGS" in features

reads_clusters if true in switches

perhaps_reads_clusters if {
	some value in (features | switches)
	plan.hidden(value)
}
