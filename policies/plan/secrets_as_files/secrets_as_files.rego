# METADATA
# title: Secrets reach a container as files, never by its environment
# description: |
#   An environment variable is inherited by every child process, printed by every crash report and shown by every describe; a
#   ConfigMap is readable by all who may look. Secrets are mounted as files from a Secret or a secret store.
# custom:
#   check: C22
#   severity: high
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
#     - "kubernetes:core/v1:ConfigMap"
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.17], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Mount the secret as a volume (secret, projected or CSI) and name its path; take it out of env, envFrom and ConfigMap.
#   runbook: gate_denied
package falaj.plan.secrets_as_files

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.pods

judged contains urn if some urn, _ in pods.specs

judged contains urn if some urn in pods.charts

judged contains map.urn if some map in maps

fail[urn] contains sprintf("container %v gets secret variable %v", [name, variable.name]) if {
	some [urn, name, variable] in variables
	plan.at(variable, ["valueFrom", "secretKeyRef"]) != null
	not plan.hidden(plan.at(variable, ["valueFrom"]))
}

fail[urn] contains sprintf("container %v gets secret variable %v", [name, variable.name]) if {
	some [urn, name, variable] in variables
	variable.value == {"__falaj__": "secret"}
}

fail[urn] contains sprintf("container %v gets a whole Secret as variables", [name]) if {
	some [urn, name, source] in sources
	plan.at(source, ["secretRef"]) != null
	not plan.hidden(source)
}

fail[urn] contains "it has no pod" if {
	some urn, spec in pods.specs
	spec == null
}

fail[map.urn] contains sprintf("%v holds a secret", [key]) if {
	some map in maps
	some [key, value] in entries(map)
	value == {"__falaj__": "secret"}
}

fail[map.urn] contains sprintf("%v is named like a secret", [key]) if {
	some map in maps
	some [key, value] in entries(map)
	regex.match(named_like_one, key)
}

unknown[urn] contains "what is in the pod is not known before an apply" if some urn in pods.opaque_pods

unknown[urn] contains "the pods of a chart are not in the plan" if some urn in pods.charts

unknown[urn] contains sprintf("where container %v gets its variables from is not known before an apply", [name]) if {
	some [urn, name, container] in doubtful
	some field in ["env", "envFrom"]
	some part in array.concat([object.get(container, field, null)], plan.listed(object.get(container, field, null)))
	plan.hidden(part)
}

unknown[urn] contains sprintf("where container %v gets its variables from is not known before an apply", [name]) if {
	some [urn, name, variable] in variables
	plan.hidden(plan.at(variable, ["valueFrom"]))
}

unknown[map.urn] contains "what it holds is not known before an apply" if {
	some map in maps
	plan.hidden(object.get(map.inputs, "data", null))
}

named_like_one := `(?i)(password|passwd|passphrase|secret[_.-]?access[_.-]?key|secret[_.-]?key|api[_.-]?key|private[_.-]?key|auth[_.-]?token|access[_.-]?token|client[_.-]?secret)$`

maps := plan.of_type("kubernetes:core/v1:ConfigMap")

entries(map) := {[key, value] |
	held := object.get(map.inputs, "data", {})
	is_object(held)
	not plan.hidden(held)
	some key, value in held
}

# A variable that is plain text takes nothing from a Secret; a list that holds anything but objects is odd enough to look at.
doubtful := [[urn, name, container] |
	some urn, containers in pods.containers_of
	some name, container in containers
	regex.match(`__falaj__|valueFrom|Ref"|"value":[{\[]|\[[^\[{\]n]|\},[^{]|(\]|null),[^\[n]`, json.marshal([object.get(container, "env", null), object.get(container, "envFrom", null)]))
]

variables contains [urn, name, variable] if {
	some [urn, name, container] in doubtful
	some variable in plan.listed(object.get(container, "env", null))
	not plan.hidden(variable)
	interesting(variable)
}

# Most variables have a plain value; those are not kept.
interesting(variable) if object.get(variable, "valueFrom", null) != null

interesting(variable) if is_object(object.get(variable, "value", null))

sources contains [urn, name, source] if {
	some [urn, name, container] in doubtful
	some source in plan.listed(object.get(container, "envFrom", null))
}
