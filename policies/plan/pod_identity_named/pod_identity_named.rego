# METADATA
# title: A pod's role is for one service account
# description: |
#   An identity is given to one named service account of one namespace, never to the default one that every pod may use.
# custom:
#   check: C09
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:eks/podIdentityAssociation:PodIdentityAssociation"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.15, A.5.16, A.8.2], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Name a namespace and a service account of its own.
#   runbook: gate_denied
package falaj.plan.pod_identity_named

import rego.v1

import data.falaj.lib.plan

judged contains one.urn if some one in associations

fail[one.urn] contains sprintf("it names no %v", [field]) if {
	some one in associations
	some field in ["namespace", "serviceAccount"]
	object.get(one.inputs, field, null) in {null, ""}
}

fail[one.urn] contains sprintf("its %v is %v, which others share", [field, value]) if {
	some one in associations
	some field, shared in {"namespace": {"default", "kube-public", "*"}, "serviceAccount": {"default", "*"}}
	value := object.get(one.inputs, field, null)
	value in shared
}

unknown[one.urn] contains sprintf("its %v is not known before an apply", [field]) if {
	some one in associations
	some field in ["namespace", "serviceAccount"]
	plan.hidden(object.get(one.inputs, field, null))
}

associations := plan.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
