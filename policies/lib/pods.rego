# METADATA
# title: Pods
# description: Everything in a plan that makes pods, with the pod specification it makes them from.
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
container_name(container, index) := name if {
	name := container.name
	is_string(name)
} else := sprintf("%v", [index])

# A pod without one readable container says nothing that could be judged.
empty(spec) if spec == null

empty(spec) if {
	spec != null
	not plan.hidden(spec)
	count(containers(spec)) == 0
}
