# METADATA
# title: A pod has no power over its node
# description: |
#   The "restricted" pod security level, and what it leaves open: no root, no host namespaces or host paths, no added
#   capabilities, a read-only root file system, and limits on CPU and memory, in every container.
# custom:
#   check: C12
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
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-11-23"
#   controls: {iso27001: [A.8.2, A.8.9, A.8.31], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Set securityContext (runAsNonRoot, seccompProfile RuntimeDefault; per container allowPrivilegeEscalation false, drop ALL, readOnlyRootFilesystem) and resources.limits.
#   runbook: gate_denied
package falaj.plan.pod_restricted

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.pods

judged contains urn if some urn, _ in pods.specs

judged contains urn if some urn in pods.charts

fail[urn] contains "it has no container" if {
	some urn, spec in pods.specs
	pods.empty(spec)
}

fail[urn] contains why if some [urn, why, "broken"] in facts

unknown[urn] contains "what is in the pod is not known before an apply" if {
	some urn, spec in pods.specs
	pods.opaque(spec)
}

unknown[urn] contains "the pods of a chart are not in the plan" if some urn in pods.charts

unknown[urn] contains sprintf("not known before an apply: whether %v", [why]) if some [urn, why, "unknown"] in facts

readable[urn] := spec if {
	some urn, spec in pods.specs
	is_object(spec)
	not plan.hidden(spec)
}

# [urn, what is wrong if it is, "ok" | "broken" | "unknown"] of each pod and of each of its containers.
facts contains [urn, sprintf("%v is on", [field]), plan.fact(value, value != true)] if {
	some urn, spec in readable
	some field in ["hostNetwork", "hostPID", "hostIPC"]
	value := object.get(spec, field, false)
}

facts contains [urn, "a volume is a path of the node", plan.fact(value, value == null)] if {
	some urn, spec in readable
	some volume in plan.listed(plan.at(spec, ["volumes"]))
	value := plan.at(volume, ["hostPath"])
}

facts contains [urn, sprintf("container %v may run as root (runAsNonRoot)", [name]), plan.fact(value, value == true)] if {
	some [urn, spec, name, container] in containers
	value := either(spec, container, ["runAsNonRoot"])
}

facts contains [urn, sprintf("container %v runs as user 0", [name]), plan.fact(value, value != 0)] if {
	some [urn, spec, name, container] in containers
	value := either(spec, container, ["runAsUser"])
}

facts contains [urn, sprintf("container %v has no seccomp profile", [name]), plan.fact(value, value in {"RuntimeDefault", "Localhost"})] if {
	some [urn, spec, name, container] in containers
	value := either(spec, container, ["seccompProfile", "type"])
}

facts contains [urn, sprintf("container %v may gain privileges", [name]), plan.fact(value, value == false)] if {
	some [urn, _, name, container] in containers
	value := own(container, ["allowPrivilegeEscalation"])
}

facts contains [urn, sprintf("container %v is privileged", [name]), plan.fact(value, value != true)] if {
	some [urn, _, name, container] in containers
	value := own(container, ["privileged"])
}

facts contains [urn, sprintf("container %v can write to its root file system", [name]), plan.fact(value, value == true)] if {
	some [urn, _, name, container] in containers
	value := own(container, ["readOnlyRootFilesystem"])
}

facts contains [urn, sprintf("container %v does not drop all capabilities", [name]), plan.fact(value, "ALL" in plan.listed(value))] if {
	some [urn, _, name, container] in containers
	value := own(container, ["capabilities", "drop"])
}

facts contains [urn, sprintf("container %v adds capabilities", [name]), plan.fact(value, added == set())] if {
	some [urn, _, name, container] in containers
	value := own(container, ["capabilities", "add"])
	added := {capability | some capability in plan.listed(value)} - {"NET_BIND_SERVICE"}
}

facts contains [urn, sprintf("container %v has no %v limit", [name, resource]), plan.fact(value, value != null)] if {
	some [urn, _, name, container] in containers
	some resource in ["cpu", "memory"]
	value := plan.at(container, ["resources", "limits", resource])
}

facts contains [urn, sprintf("container %v uses ports of the node", [name]), plan.fact(value, value in {null, 0})] if {
	some [urn, _, name, container] in containers
	some port in plan.listed(plan.at(container, ["ports"]))
	value := plan.at(port, ["hostPort"])
}

containers contains [urn, spec, name, container] if {
	some urn, spec in readable
	some name, container in pods.readable(spec)
}

own(container, path) := plan.at(container, array.concat(["securityContext"], path))

# A container's own setting wins over its pod's.
either(_, container, path) := own(container, path) if own(container, path) != null

either(spec, container, path) := plan.at(spec, array.concat(["securityContext"], path)) if own(container, path) == null
