# METADATA
# title: A resource says whose it is and what it is for
# description: |
#   Owner, environment, data class, purpose and so on, on the resource or by its provider's default tags: the inventory, the record
#   of processing and the bill are read from them.
# custom:
#   check: C18
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: []
#   reads: ["aws:*"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.9, A.5.12, A.5.13], gdpr: ["5(2)", "30"], uae_pdpl: ["7", "8"]}
#   remediation: Set the missing tags, best as defaultTags of the provider; data class must be one of the known classes.
#   runbook: gate_denied
package falaj.plan.required_tags

import rego.v1

import data.falaj.lib.plan

judged := taggable

fail[urn] contains sprintf("missing tags: %v", [concat(", ", sort(missing))]) if {
	some urn in legible
	missing := lacking(plan.get(urn))
	count(missing) > 0
}

fail[urn] contains sprintf("tag %v is %v, and the plan is for %v", [tag, value, input.plan.environment]) if {
	some urn in doubtful
	tag := input.parameters.environment_tag
	value := tag_of(plan.get(urn), tag)
	value != input.plan.environment
	plan.known(value)
}

fail[urn] contains sprintf("data class %v is not one of %v", [value, concat(", ", input.parameters.data_classes)]) if {
	some urn in doubtful
	value := tag_of(plan.get(urn), input.parameters.data_class_tag)
	not value in classes
	plan.known(value)
}

unknown[urn] contains "its tags are not known before an apply" if some urn in (doubtful - legible)

unknown[urn] contains sprintf("tag %v is not known before an apply", [key]) if {
	some urn in doubtful
	some key, value in plan.tags(plan.get(urn))
	key in required
	plan.hidden(value)
}

# Nearly all resources carry all their tags themselves, in order: seen at a glance. Only the others are looked at one by one.
doubtful := (taggable - with_tags) | {urn | some urn, own in plan.tagged; not own in orderly}

# Many resources carry the same tags, so each set of tags is looked at once.
sets_of_tags := {own | some _, own in plan.tagged}

orderly := {own | some own in sets_of_tags; in_order(own)}

in_order(own) if {
	own[input.parameters.environment_tag] == input.plan.environment
	own[input.parameters.data_class_tag] in classes
	count(required - object.keys(own)) == 0
	not regex.match(`:(""|null|\{|\[)`, json.marshal(own))
}

required := {key | some key in input.parameters.required_tags}

classes := {class | some class in input.parameters.data_classes}

types_with_tags := {type | some type in input.parameters.taggable_types}

taggable := with_tags | (union({plan.urns_of_type[type] | some type in types_with_tags}) & plan.custom)

with_tags := object.keys(plan.tagged)

legible contains urn if {
	some urn in doubtful
	not plan.tags_hidden(plan.get(urn))
}

# A tag without a value says nothing; an own one hides what the provider would have given.
lacking(resource) := (required - (object.get(given_by_provider, resource.provider, set()) - object.keys(own))) - {key |
	some key, value in own
	not value in {null, ""}
} if {
	own := plan.own_tags(resource)
}

given_by_provider[reference] := {key | some key, value in tags; not value in {null, ""}} if some reference, tags in plan.default_tags

tag_of(resource, key) := object.get(plan.own_tags(resource), key, object.get(plan.provider_tags(resource), key, null))
