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
#   effective_on: "2026-11-23"
#   controls: {iso27001: [A.5.9, A.5.12, A.5.13], gdpr: ["5(2)", "30"], uae_pdpl: ["7", "8"]}
#   remediation: Set the missing tags, best as defaultTags of the provider; data class must be one of the known classes.
#   runbook: gate_denied
package falaj.plan.required_tags

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains urn if some urn, _ in taggable

fail[urn] contains sprintf("missing tags: %v", [concat(", ", sort(missing))]) if {
	some urn, resource in taggable
	not plan.tags_hidden(resource)
	missing := {key | some key in input.parameters.required_tags; absent(plan.tags(resource), key)}
	count(missing) > 0
}

fail[urn] contains sprintf("tag %v is %v, and the plan is for %v", [tag, value, input.plan.environment]) if {
	some urn, resource in taggable
	tag := input.parameters.environment_tag
	value := plan.tags(resource)[tag]
	is_string(value)
	value != input.plan.environment
}

fail[urn] contains sprintf("data class %v is not one of %v", [value, concat(", ", input.parameters.data_classes)]) if {
	some urn, resource in taggable
	value := plan.tags(resource)[input.parameters.data_class_tag]
	is_string(value)
	not value in input.parameters.data_classes
}

unknown[urn] contains "its tags are not known before an apply" if {
	some urn, resource in taggable
	plan.tags_hidden(resource)
}

unknown[urn] contains sprintf("tag %v is not known before an apply", [key]) if {
	some urn, resource in taggable
	some key in input.parameters.required_tags
	plan.hidden(plan.tags(resource)[key])
}

taggable[urn] := resource if {
	some urn in plan.custom
	resource := plan.get(urn)
	takes_tags(resource)
}

takes_tags(resource) if types.canonical(resource.type) in input.parameters.taggable_types

takes_tags(resource) if {
	plan.is_aws(resource)
	object.get(resource.inputs, "tags", null) != null
}

absent(tags, key) if object.get(tags, key, null) in {null, ""}
