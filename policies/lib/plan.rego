# METADATA
# title: Reading a plan
# description: |
#   Resources by type, values that may be hidden, and who refers to whom. A hidden value is one of the plan's markers, for
#   "only known after an apply" or "must not be shown"; both are unknown to a rule.
package falaj.lib.plan

import rego.v1

import data.falaj.lib.types

# Comprehensions over the input, since each look at all resources counts: tables built entry by entry take several times as long.
by_urn := {resource.urn: resource |
	some resource in input.plan.resources
	resource.op != "delete"
}

# Other modules ask by this call: the embedded engine loses a look-up by URN across modules.
get(urn) := by_urn[urn]

as_written[resource.type] contains resource.urn if {
	some resource in input.plan.resources
	not resource.op in {"delete", "read"}
}

names_of[type] contains name if {
	some name, _ in as_written
	type := types.canonical(name)
}

urns_of_type := {type: union({as_written[name] | some name in names}) | some type, names in names_of}

managed := {type: [by_urn[urn] | some urn in urns] | some type, urns in urns_of_type}

# The managed resources of one type, under whatever name the provider has given that type.
of_type(type) := object.get(managed, type, [])

of_types(wanted) := [resource | some type in wanted; some resource in managed[type]]

# URN -> resource that some provider makes, other than those it only reads.
customs := {resource.urn: resource |
	some found in managed
	some resource in found
	resource.custom
}

custom := object.keys(customs)

# URNs of those that are told anything at all. One look at the text of a type tells whether any is told nothing: an entry of the list is empty.
filled := custom - {resource.urn |
	some type, text in texts
	regex.match(`[\[,]\{\}`, text)
	some resource in managed[type]
	resource.inputs == {}
}

# Type -> all that providers are told of its resources, as one text. Whoever looks for a pattern looks here first, and most often finds nothing.
texts := {type: json.marshal([resource.inputs | some resource in found; resource.custom]) | some type, found in managed}

# URN -> custom resource that the AWS provider makes, other than those it only reads.
aws := {resource.urn: resource |
	some type, found in managed
	startswith(type, "aws:")
	some resource in found
	resource.custom
}

# URN of an AWS resource -> its own tags, whatever they are.
tagged := {urn: own |
	some urn, resource in aws
	own := resource.inputs.tags
	own != null
}

aws_urns := object.keys(aws)

# URN of a custom resource -> its inputs that hold something only an apply tells, of which no reference says what it is made of. What is
# secret no apply tells either, so it is left out.
unsettled := {urn: fields |
	some resource in suspects
	urn := resource.urn
	settled := {field | some field, urns in resource.property_dependencies; urns != []}
	fields := {field |
		some field, value in object.remove(resource.inputs, settled)
		contains(json.marshal(value), awaited)
	}
	count(fields) > 0
}

# One look at all that no reference settles tells most types, so that only a few resources are looked at one by one.
suspects := [resource |
	some type in awaiting
	some resource in managed[type]
	resource.custom
]

awaiting := {type |
	some type in with_awaited
	found := managed[type]
	unmentioned := array.concat(
		[object.remove(each.inputs, each.property_dependencies) | some each in found],
		[each.inputs | some each in found; object.get(each, "property_dependencies", null) == null],
	)
	unreferred := [each.inputs[field] |
		contains(json.marshal([each.property_dependencies | some each in found]), ":[]")
		some each in found
		some field, urns in each.property_dependencies
		urns == []
	]
	contains(json.marshal([unmentioned, unreferred]), awaited)
}

with_awaited := {type | some type, text in texts; contains(text, awaited)}

awaited := `"__falaj__":"unknown"`

hidden(value) if {
	mark := value.__falaj__
	mark in {"unknown", "secret"}
}

known(value) if {
	value != null
	not hidden(value)
}

# A value that is there and can be read, and is no number: providers take text such as "7" for one, and rules that compare numbers must not
# let it through.
misread(value) if {
	known(value)
	not is_number(value)
}

# The value at `path`: null where there is none, a marker where it is hidden or part of something hidden. Most values are plainly
# there, so that is asked first; of the others most are plainly not there.
at(value, path) := found if {
	is_object(value)
	found := object.get(value, path, null)
	found != null
} else := null if {
	not value[path[0]]
	not value.__falaj__
} else := null if {
	value[path[0]] == null
} else := null if {
	inner := value[path[0]]
	is_object(inner)
	not inner[path[1]]
	not inner.__falaj__
	not value.__falaj__
} else := {"__falaj__": "unknown"} if {
	hidden_on(value, path)
} else := null

hidden_on(value, path) if {
	is_object(value)
	some length in numbers.range(0, count(path))
	hidden(object.get(value, array.slice(path, 0, length), null))
}

# True where anything inside `value` is hidden.
holds_hidden(value) if {
	contains(json.marshal(value), `"__falaj__"`)
	some part
	walk(value, [_, part])
	hidden(part)
}

# `value` as a list: null is none, anything else that is no list is the only one.
listed(value) := value if {
	is_array(value)
} else := [] if {
	value == null
} else := [value]

# "ok", "broken" or "unknown": the three things a fact about a value can be.
fact(value, _) := "unknown" if hidden(value)

fact(value, true) := "ok" if not hidden(value)

fact(value, false) := "broken" if not hidden(value)

referred(resource, property) := {urn | some urn in object.get(resource.property_dependencies, property, [])}

referred_of(resource, property, wanted) := {urn |
	some urn in referred(resource, property)
	types.canonical(by_urn[urn].type) in wanted
}

# The provider references of all AWS resources, null for one that has none. They are few, so each is read once.
aws_providers := {object.get(resource, "provider", null) | some resource in aws}

# Provider reference of an AWS resource -> URN of the provider, where the plan holds it.
provider_urn[reference] := urn if {
	some reference in aws_providers
	is_string(reference)
	parts := split(reference, "::")
	urn := concat("::", array.slice(parts, 0, count(parts) - 1))
	by_urn[urn]
}

# Providers keep nested inputs as JSON text; other resources as they are.
decoded(value) := json.unmarshal(value) if {
	is_string(value)
	json.is_valid(value)
}

decoded(value) := value if not is_string(value)

# What each provider gives every taggable resource that it makes, by reference; see `tags_hidden` for what could not be read.
default_tags[reference] := tags if {
	some reference, urn in provider_urn
	tags := decoded(by_urn[urn].inputs.defaultTags).tags
	is_object(tags)
	not hidden(tags)
}

default_tags_hidden contains reference if {
	some reference, urn in provider_urn
	hidden(by_urn[urn].inputs.defaultTags)
}

default_tags_hidden contains reference if {
	some reference, urn in provider_urn
	hidden(decoded(by_urn[urn].inputs.defaultTags).tags)
}

provider_tags(resource) := object.get(default_tags, object.get(resource, "provider", null), {})

# Own tags over the provider's default tags.
tags(resource) := object.union(provider_tags(resource), own_tags(resource))

# One tag of a resource: null where it has none, a marker where its tags cannot be read. A plain own tag is asked for first.
tag(resource, key) := found if {
	found := resource.inputs.tags[key]
	is_string(found)
} else := {"__falaj__": "unknown"} if tags_hidden(resource)

else := object.get(tags(resource), key, null)

own_tags(resource) := found if {
	found := resource.inputs.tags
	is_object(found)
	not hidden(found)
} else := {}

tags_hidden(resource) if hidden(resource.inputs.tags)

tags_hidden(resource) if resource.provider in default_tags_hidden
