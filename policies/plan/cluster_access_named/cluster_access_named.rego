# METADATA
# title: Nobody enters the cluster as its master
# description: |
#   An access entry puts nobody into a group that Kubernetes itself trusts with everything; rights come from bindings that can be read.
# custom:
#   check: C09
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:eks/accessEntry:AccessEntry"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.15, A.5.18, A.8.2], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Use a group of your own and bind it to a role.
#   runbook: gate_denied
package falaj.plan.cluster_access_named

import rego.v1

import data.falaj.lib.plan

judged contains entry.urn if some entry in entries

fail[entry.urn] contains sprintf("it enters as %v", [group]) if {
	some entry in entries
	some group in plan.listed(object.get(entry.inputs, "kubernetesGroups", null))
	is_string(group)
	startswith(group, "system:")
}

fail[entry.urn] contains "it is for everybody" if {
	some entry in entries
	object.get(entry.inputs, "principalArn", null) in {null, "*"}
}

unknown[entry.urn] contains "its groups are not known before an apply" if {
	some entry in entries
	plan.holds_hidden(object.get(entry.inputs, "kubernetesGroups", null))
}

entries := plan.of_type("aws:eks/accessEntry:AccessEntry")
