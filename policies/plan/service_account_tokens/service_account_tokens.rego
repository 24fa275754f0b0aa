# METADATA
# title: No pod gets a token of the cluster unasked
# description: |
#   By default every pod carries a token with which it can speak to the cluster. Work that does not need it is a gift to whoever
#   breaks into it; identities for the cloud come another way.
# custom:
#   check: C12
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects:
#     - "kubernetes:apps/v1:DaemonSet"
#     - "kubernetes:apps/v1:Deployment"
#     - "kubernetes:apps/v1:ReplicaSet"
#     - "kubernetes:apps/v1:StatefulSet"
#     - "kubernetes:batch/v1:CronJob"
#     - "kubernetes:batch/v1:Job"
#     - "kubernetes:core/v1:Pod"
#     - "kubernetes:core/v1:ReplicationController"
#     - "kubernetes:helm.sh/v3:Release"
#     - "kubernetes:jobset.x-k8s.io/v1alpha2:JobSet"
#     - "kubernetes:core/v1:ServiceAccount"
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.17, A.8.5], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Set automountServiceAccountToken to false on the service account and on the pod; mount a bounded token where one is really needed.
#   runbook: gate_denied
package falaj.plan.service_account_tokens

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.pods

judged contains urn if some urn, _ in pods.specs

judged contains account.urn if some account in accounts

judged contains urn if some urn in pods.charts

fail[urn] contains "its pods are given a token of the cluster" if {
	some urn, asked in mounted
	not plan.hidden(asked)
}

fail[urn] contains "it has no pod" if {
	some urn, spec in pods.specs
	spec == null
}

fail[account.urn] contains "it gives its token to every pod that uses it" if {
	some account in accounts
	asked := object.get(account.inputs, "automountServiceAccountToken", null)
	asked != false
	not plan.hidden(asked)
}

unknown[urn] contains "what is in the pod is not known before an apply" if {
	some urn, spec in pods.specs
	plan.hidden(spec)
}

unknown[urn] contains "whether its pods are given a token is not known before an apply" if {
	some urn, asked in mounted
	plan.hidden(asked)
}

unknown[account.urn] contains "whether it gives its token away is not known before an apply" if {
	some account in accounts
	plan.hidden(object.get(account.inputs, "automountServiceAccountToken", null))
}

unknown[urn] contains "the pods of a chart are not in the plan" if some urn in pods.charts

accounts := plan.of_type("kubernetes:core/v1:ServiceAccount")

# Of the pods that can be read and do not say plainly that they get none: what they say.
mounted := {urn: asked |
	some urn, spec in pods.specs
	is_object(spec)
	asked := object.get(spec, "automountServiceAccountToken", null)
	asked != false
	not plan.hidden(spec)
}
