# METADATA
# title: Namespaces and their parts
# description: |
#   Quotas and limits are resources of their own. A part belongs to the namespace whose known name it carries, or, where a name is not
#   known yet, to the one namespace it refers to. A part that fits none is stray: it may belong to any namespace.
package falaj.lib.namespaces

import rego.v1

import data.falaj.lib.plan

namespace := "kubernetes:core/v1:Namespace"

part_types := {"kubernetes:core/v1:LimitRange", "kubernetes:core/v1:ResourceQuota"}

all := {urn | some urn in plan.urns_of_type[namespace]}

named[name] contains urn if {
	some urn in all
	name := plan.at(plan.get(urn).inputs, ["metadata", "name"])
	is_string(name)
}

# URN of a part -> namespaces it belongs to; empty for a stray one.
owners[urn] := by_name(part) | by_reference(part) if {
	some type in part_types
	some urn in plan.urns_of_type[type]
	part := plan.get(urn)
}

place(part) := plan.at(part.inputs, ["metadata", "namespace"])

by_name(part) := {urn |
	name := place(part)
	is_string(name)
	some urn in named[name]
}

# A reference counts where the part's place is hidden, or where the namespace has no known name to compare with.
by_reference(part) := {urn |
	referred := plan.referred_of(part, "metadata", {namespace})
	count(referred) == 1
	some urn in referred
	fits(part, plan.get(urn))
}

fits(part, _) if plan.hidden(place(part))

fits(_, found) if not is_string(plan.at(found.inputs, ["metadata", "name"]))

belongs[key] contains urn if {
	some urn, found in owners
	some owner in found
	key := sprintf("%v %v", [plan.get(urn).type, owner])
}

# The parts of one type that a namespace has.
parts(type, urn) := [plan.get(part) |
	key := sprintf("%v %v", [type, urn])
	some part in belongs[key]
]

# Some part of this type lies in a place that nobody knows.
stray(type) if type in strays

strays contains type if {
	some urn, found in owners
	count(found) == 0
	part := plan.get(urn)
	plan.hidden(place(part))
	type := part.type
}
