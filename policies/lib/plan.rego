# METADATA
# title: Reading a plan
# description: |
#   Resources by type, values that may be hidden, and who refers to whom. A hidden value is one of the plan's markers, for
#   "only known after an apply" or "must not be shown"; both are unknown to a rule.
package falaj.lib.plan

import rego.v1

import data.falaj.lib.types

by_urn[resource.urn] := resource if {
	some resource in input.plan.resources
	resource.op != "delete"
}

# Other modules ask by this call: the embedded engine loses a look-up by URN across modules.
get(urn) := by_urn[urn]

urns_of_type[type] contains urn if {
	some urn, resource in by_urn
	resource.op != "read"
	type := types.canonical(resource.type)
}

# The managed resources of one type, under whatever name the provider has given that type.
of_type(type) := [by_urn[urn] | some urn in urns_of_type[type]]

of_types(wanted) := [by_urn[urn] | some type in wanted; some urn in urns_of_type[type]]

custom contains urn if {
	some urn, resource in by_urn
	resource.custom
	resource.op != "read"
}

hidden(value) if {
	is_object(value)
	value.__falaj__ in {"unknown", "secret"}
}

known(value) if {
	value != null
	not hidden(value)
}

# The value at `path`: null where there is none, a marker where it is hidden or part of something hidden.
at(value, path) := {"__falaj__": "unknown"} if hidden_on(value, path)

at(value, path) := object.get(value, path, null) if {
	is_object(value)
	not hidden_on(value, path)
}

at(value, _) := null if not is_object(value)

hidden_on(value, path) if {
	is_object(value)
	some length in numbers.range(0, count(path))
	hidden(object.get(value, array.slice(path, 0, length), null))
}

# True where anything inside `value` is hidden.
holds_hidden(value) if {
	some part
	walk(value, [_, part])
	hidden(part)
}

# `value` as a list: null is none, anything else that is no list is the only one.
listed(value) := value if is_array(value)

listed(value) := [] if value == null

listed(value) := [value] if {
	value != null
	not is_array(value)
}

# "ok", "broken" or "unknown": the three things a fact about a value can be.
fact(value, _) := "unknown" if hidden(value)

fact(value, true) := "ok" if not hidden(value)

fact(value, false) := "broken" if not hidden(value)

referred(resource, property) := {urn | some urn in object.get(resource.property_dependencies, property, [])}

referred_of(resource, property, wanted) := {urn |
	some urn in referred(resource, property)
	types.canonical(by_urn[urn].type) in wanted
}

# The provider that makes `resource`; undefined where the plan does not hold it.
provider(resource) := by_urn[concat("::", array.slice(parts, 0, count(parts) - 1))] if {
	is_string(resource.provider)
	parts := split(resource.provider, "::")
}

is_aws(resource) if startswith(resource.type, "aws:")

is_kubernetes(resource) if startswith(resource.type, "kubernetes:")

# Providers keep nested inputs as JSON text; other resources as they are.
decoded(value) := json.unmarshal(value) if {
	is_string(value)
	json.is_valid(value)
}

decoded(value) := value if not is_string(value)

default_tags(resource) := decoded(provider(resource).inputs.defaultTags)

provider_tags(resource) := found if {
	found := default_tags(resource).tags
	is_object(found)
	not hidden(found)
} else := {}

# Own tags over the provider's default tags; see `tags_hidden` for what could not be read.
tags(resource) := object.union(provider_tags(resource), own_tags(resource))

own_tags(resource) := found if {
	found := resource.inputs.tags
	is_object(found)
	not hidden(found)
} else := {}

tags_hidden(resource) if hidden(resource.inputs.tags)

tags_hidden(resource) if hidden(provider(resource).inputs.defaultTags)

tags_hidden(resource) if hidden(default_tags(resource).tags)
