# METADATA
# title: Real data is where it may be
# description: |
#   Real people's data in an environment where everybody tries things is a breach that nobody sees. What holds data of the listed
#   classes says whether that is real or synthetic, and real data is only in environments that allow it.
# custom:
#   check: C19
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: []
#   reads: ["aws:*"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.31, A.8.33], gdpr: ["5(1)(b)", "25(2)"], uae_pdpl: ["5"]}
#   remediation: Tag the resource data-origin real or synthetic, and use synthetic data where data_origin.allowed says so.
#   runbook: gate_denied
package falaj.plan.data_origin_named

import rego.v1

import data.falaj.lib.plan

judged contains urn if {
	some urn, class in classes
	class in input.parameters.data_origin.classes
}

judged contains urn if some urn in unclear

fail[urn] contains sprintf("it holds %v, and tag %v does not say whether that is real", [classes[urn], input.parameters.data_origin.tag]) if {
	some urn, origin in origins
	origin == null
}

fail[urn] contains sprintf("it holds data that is %v; allowed here: %v", [origin, concat(", ", input.parameters.data_origin.allowed)]) if {
	some urn, origin in origins
	plan.known(origin)
	not origin in input.parameters.data_origin.allowed
}

unknown[urn] contains "its tags are not known before an apply, so nobody can say what it holds" if some urn in unclear

unknown[urn] contains sprintf("tag %v is not known before an apply", [input.parameters.data_origin.tag]) if {
	some urn, origin in origins
	plan.hidden(origin)
}

# Whatever carries a data class that is asked about, or one that is no plain text: by its own tags or by its provider's.
classes := object.union(
	object.union(plainly_tagged, {urn: plan.tag(plan.get(urn), input.parameters.data_class_tag) | some urn in oddly_tagged}),
	{urn: plan.tag(resource, input.parameters.data_class_tag) |
		count(by_default) > 0
		some urn, resource in plan.aws
		resource.provider in by_default
		object.get(resource.inputs, "tags", null) == null
	},
)

# Most say it in so many words.
plainly_tagged := {urn: class |
	key := input.parameters.data_class_tag
	some urn, own in plan.tagged
	class := own[key]
	class in input.parameters.data_origin.classes
}

oddly_tagged := object.keys(plan.tagged) - {urn |
	key := input.parameters.data_class_tag
	some urn, own in plan.tagged
	is_string(own[key])
}

by_default := {reference | some reference, tags in plan.default_tags; tags[input.parameters.data_class_tag]} | plan.default_tags_hidden

unclear contains urn if {
	some urn, class in classes
	plan.hidden(class)
}

origins := {urn: plan.tag(plan.get(urn), input.parameters.data_origin.tag) |
	some urn, class in classes
	class in input.parameters.data_origin.classes
}
