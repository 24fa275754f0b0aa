# METADATA
# title: Pods
# description: |
#   Everything in a plan that makes pods, with the pod specification it makes them from. A set of jobs makes pods of several kinds; they are told
#   as one pod that has all their containers, each with what its own pod says for it, and the worst that any of them says of itself.
package falaj.lib.pods

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

spec_paths := {
	"Pod": ["spec"],
	"Deployment": ["spec", "template", "spec"],
	"StatefulSet": ["spec", "template", "spec"],
	"DaemonSet": ["spec", "template", "spec"],
	"ReplicaSet": ["spec", "template", "spec"],
	"ReplicationController": ["spec", "template", "spec"],
	"Job": ["spec", "template", "spec"],
	"CronJob": ["spec", "jobTemplate", "spec", "template", "spec"],
}

# URN -> pod specification, or a marker where it is hidden. The path is looked up in the body: the embedded engine fails on a
# head that is undefined for some of the resources.
specs[urn] := plan.at(plan.get(urn).inputs, path) if {
	some type, urns in plan.urns_of_type
	startswith(type, "kubernetes:")
	path := spec_paths[types.kind(type)]
	some urn in urns
}

specs[urn] := as_one([[label(job, index), plan.at(job, ["template", "spec", "template", "spec"])] | some index, job in listed_jobs]) if {
	some type, urns in plan.urns_of_type
	startswith(type, "kubernetes:")
	types.kind(type) == "JobSet"
	some urn in urns
	listed_jobs := plan.listed(plan.at(plan.get(urn).inputs, ["spec", "replicatedJobs"]))
}

# URN -> the containers of a pod whose specification is not hidden, in their lists' order.
listed_of := {urn: containers(spec) |
	some urn, spec in specs
	is_object(spec)
	not plan.hidden(spec)
}

# Of the pods that can be read: URN -> container name -> container.
containers_of := {urn: named |
	some urn, found in listed_of
	named := {container_name(container, index): container |
		some index, container in found
		not plan.hidden(container)
	}
}

# Of the pods that can be read: URN and image of each container, null where it names none.
images contains [urn, object.get(container, "image", null)] if {
	some urn, named in containers_of
	some container in named
}

# The specification itself, its lists of containers or a whole container is hidden.
opaque_pods contains urn if {
	some urn, found in listed_of
	some container in found
	plan.hidden(container)
}

opaque_pods contains urn if {
	some urn, spec in specs
	plan.hidden(spec)
}

# A chart makes pods that the plan does not show.
charts contains urn if {
	some type, urns in plan.urns_of_type
	regex.match("^kubernetes:helm\\.sh/v[0-9a-z]+:(Release|Chart)$", type)
	some urn in urns
	plan.get(urn).custom
}

containers(spec) := [container |
	some list in ["containers", "initContainers", "ephemeralContainers"]
	some container in plan.listed(spec[list])
]

# The name that messages use.
container_name(container, index) := label(container, index)

label(named, index) := name if {
	name := named.name
	is_string(name)
} else := sprintf("%v", [index])

# A pod without one readable container says nothing that could be judged.
empty(spec) if spec == null

empty(spec) if {
	spec != null
	not plan.hidden(spec)
	count(containers(spec)) == 0
}

# Pods as [name of their job, specification]. No job, no pod; and where one pod is hidden nobody knows what all of them are.
as_one(pods) := null if {
	count(pods) == 0
} else := {"__falaj__": "unknown"} if {
	some [_, spec] in pods
	plan.hidden(spec)
} else := {
	"containers": [container | some [job, spec] in pods; some container in told(job, spec)],
	"volumes": [volume | some [_, spec] in pods; some volume in plan.listed(plan.at(spec, ["volumes"]))],
	"hostNetwork": worst([plan.at(spec, ["hostNetwork"]) | some [_, spec] in pods]),
	"hostPID": worst([plan.at(spec, ["hostPID"]) | some [_, spec] in pods]),
	"hostIPC": worst([plan.at(spec, ["hostIPC"]) | some [_, spec] in pods]),
	"automountServiceAccountToken": given_away([plan.at(spec, ["automountServiceAccountToken"]) | some [_, spec] in pods]),
}

# A pod without a container has one that says nothing, which no rule lets pass.
told(job, spec) := [tell(job, index, spec, container) | some index, container in found] if {
	is_object(spec)
	found := containers(spec)
	count(found) > 0
} else := [tell(job, 0, spec, {})]

tell(job, index, spec, container) := container if {
	plan.hidden(container)
} else := {"name": whole_name(job, container, index)} if {
	not is_object(container)
} else := object.union(container, {"name": whole_name(job, container, index), "securityContext": context}) if {
	own := said(object.get(container, "securityContext", null))
	context := object.union(inherited(spec), {field: value | some field, value in own; value != null})
} else := object.union(container, {"name": whole_name(job, container, index)})

whole_name(job, container, index) := concat("/", [job, label(container, index)])

said(context) := {} if context == null

said(context) := context if {
	is_object(context)
	not plan.hidden(context)
}

inherited(spec) := {field: value |
	some field in ["runAsNonRoot", "runAsUser", "seccompProfile"]
	value := plan.at(spec, ["securityContext", field])
	value != null
}

worst(values) if {
	true in values
} else := hiding[0] if {
	hiding := [value | some value in values; plan.hidden(value)]
	count(hiding) > 0
} else := false

given_away(values) := null if {
	some value in values
	value != false
	not plan.hidden(value)
} else := hiding[0] if {
	hiding := [value | some value in values; plan.hidden(value)]
	count(hiding) > 0
} else := false
