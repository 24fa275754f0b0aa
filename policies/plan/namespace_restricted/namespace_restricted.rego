# METADATA
# title: A namespace lets only restricted pods in
# description: |
#   The plan shows the pods that we make; the cluster itself must refuse all others. The label makes it hold every pod to the
#   restricted level, in a fixed version, so that an upgrade of the cluster does not change what is allowed.
# custom:
#   check: C12
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["kubernetes:core/v1:Namespace"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.2, A.8.9], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: "Label the namespace pod-security.kubernetes.io/enforce: restricted, and enforce-version with a version of the cluster."
#   runbook: gate_denied
package falaj.plan.namespace_restricted

import rego.v1

import data.falaj.lib.plan

judged contains namespace.urn if some namespace in namespaces

fail[namespace.urn] contains sprintf("it lets pods in that are %v", [level]) if {
	some namespace in namespaces
	level := label(namespace, "pod-security.kubernetes.io/enforce")
	is_string(level)
	level != "restricted"
}

fail[namespace.urn] contains "it enforces no pod security level" if {
	some namespace in namespaces
	label(namespace, "pod-security.kubernetes.io/enforce") == null
}

fail[namespace.urn] contains "the version of its pod security level is not fixed" if {
	some namespace in namespaces
	label(namespace, "pod-security.kubernetes.io/enforce-version") in {null, "latest"}
}

unknown[namespace.urn] contains sprintf("its label %v is not known before an apply", [name]) if {
	some namespace in namespaces
	some name in ["pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/enforce-version"]
	plan.hidden(label(namespace, name))
}

namespaces := plan.of_type("kubernetes:core/v1:Namespace")

label(namespace, name) := plan.at(namespace.inputs, ["metadata", "labels", name])
