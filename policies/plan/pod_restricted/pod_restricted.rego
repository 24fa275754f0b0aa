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
#     - "kubernetes:jobset.x-k8s.io/v1alpha2:JobSet"
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
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
	count(object.get(pods.containers_of, urn, {})) == 0
	pods.empty(spec)
}

fail[urn] contains why if some [urn, why, "broken"] in findings

unknown[urn] contains "what is in the pod is not known before an apply" if some urn in pods.opaque_pods

unknown[urn] contains "the pods of a chart are not in the plan" if some urn in pods.charts

unknown[urn] contains sprintf("not known before an apply: whether %v", [why]) if some [urn, why, "unknown"] in findings

# [urn, what is wrong if it is, "broken" | "unknown"] of each pod and of each of its containers. A fact that holds is not kept, and no
# word is made of it: most facts hold.
findings contains [urn, sprintf("%v is on", [field]), fact] if {
	some urn, _ in doubtful
	some field in ["hostNetwork", "hostPID", "hostIPC"]
	value := object.get(pods.specs[urn], field, false)
	value != false
	fact := plan.fact(value, value != true)
	fact != "ok"
}

findings contains [urn, "a volume is a path of the node", fact] if {
	some urn, _ in doubtful
	some volume in plan.listed(plan.at(pods.specs[urn], ["volumes"]))
	value := plan.at(volume, ["hostPath"])
	value != null
	fact := plan.fact(value, false)
}

findings contains [urn, sprintf("container %v may run as root (runAsNonRoot)", [name]), fact] if {
	some urn, containers in doubtful
	some name, container in containers
	value := either(pods.specs[urn], container, "runAsNonRoot")
	value != true
	fact := plan.fact(value, false)
}

findings contains [urn, sprintf("container %v runs as user 0", [name]), fact] if {
	some urn, containers in doubtful
	some name, container in containers
	value := either(pods.specs[urn], container, "runAsUser")
	fact := plan.fact(value, value != 0)
	fact != "ok"
}

findings contains [urn, sprintf("container %v has no seccomp profile", [name]), fact] if {
	some urn, containers in doubtful
	some name, container in containers
	profile := either(pods.specs[urn], container, "seccompProfile")
	value := plan.at(profile_of(profile), ["type"])
	not value in {"RuntimeDefault", "Localhost"}
	fact := plan.fact(value, false)
}

findings contains [urn, sprintf("container %v may gain privileges", [name]), fact] if {
	some urn, containers in doubtful
	some name, container in containers
	value := own(container, "allowPrivilegeEscalation")
	value != false
	fact := plan.fact(value, false)
}

findings contains [urn, sprintf("container %v is privileged", [name]), fact] if {
	some urn, containers in doubtful
	some name, container in containers
	value := own(container, "privileged")
	fact := plan.fact(value, value != true)
	fact != "ok"
}

findings contains [urn, sprintf("container %v can write to its root file system", [name]), fact] if {
	some urn, containers in doubtful
	some name, container in containers
	value := own(container, "readOnlyRootFilesystem")
	value != true
	fact := plan.fact(value, false)
}

findings contains [urn, sprintf("container %v does not drop all capabilities", [name]), fact] if {
	some urn, containers in doubtful
	some name, container in containers
	value := plan.at(container, ["securityContext", "capabilities", "drop"])
	not "ALL" in plan.listed(value)
	fact := plan.fact(value, false)
}

findings contains [urn, sprintf("container %v adds capabilities", [name]), fact] if {
	some urn, containers in doubtful
	some name, container in containers
	value := plan.at(container, ["securityContext", "capabilities", "add"])
	value != null
	added := {capability | some capability in plan.listed(value)} - {"NET_BIND_SERVICE"}
	count(added) > 0
	fact := plan.fact(value, false)
}

findings contains [urn, sprintf("container %v has no %v limit", [name, resource]), fact] if {
	some urn, containers in doubtful
	some name, container in containers
	some resource in ["cpu", "memory"]
	value := plan.at(container, ["resources", "limits", resource])
	fact := plan.fact(value, value != null)
	fact != "ok"
}

findings contains [urn, sprintf("container %v uses ports of the node", [name]), fact] if {
	some urn, containers in doubtful
	some name, container in containers
	some port in plan.listed(plan.at(container, ["ports"]))
	value := plan.at(port, ["hostPort"])
	not value in {null, 0}
	fact := plan.fact(value, false)
}

# Of a pod that is plainly as it should be nothing more is asked; whatever is odd or hidden is looked at check by check.
doubtful := {urn: containers |
	some urn, containers in pods.containers_of
	not sound(pods.specs[urn], containers)
}

sound(spec, containers) if {
	every field in ["hostNetwork", "hostPID", "hostIPC"] {
		object.get(spec, field, false) == false
	}
	not regex.match(`hostPath|^\{|[\[,]\{"__falaj__"`, json.marshal(object.get(spec, "volumes", [])))
	defaults := object.get(spec, "securityContext", {})
	every container in containers {
		sound_container(container, defaults)
	}
}

sound_container(container, defaults) if {
	own := container.securityContext
	own.allowPrivilegeEscalation == false
	own.readOnlyRootFilesystem == true
	"ALL" in own.capabilities.drop
	not own.capabilities.add
	not own.privileged
	is_string(container.resources.limits.cpu)
	is_string(container.resources.limits.memory)
	object.get(own, "runAsNonRoot", defaults.runAsNonRoot) == true
	object.get(own, "seccompProfile", defaults.seccompProfile).type in {"RuntimeDefault", "Localhost"}
	user := object.get(own, "runAsUser", object.get(defaults, "runAsUser", 1))
	is_number(user)
	user != 0
	not regex.match(`hostPort|__falaj__`, json.marshal(object.get(container, "ports", [])))
}

own(container, field) := plan.at(container, ["securityContext", field])

# A container's own setting wins over its pod's.
either(spec, container, field) := value if {
	value := own(container, field)
	value != null
} else := plan.at(spec, ["securityContext", field])

# A profile that is missing has no type; plan.at wants an object.
profile_of(profile) := profile if is_object(profile)

profile_of(profile) := {} if not is_object(profile)
