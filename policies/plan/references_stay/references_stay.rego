# METADATA
# title: Nothing points out of the country
# description: |
#   A log sink, a subscription, a key or a target is named by an ARN, and an ARN names its region; a model called through a profile
#   of several regions answers from any of them.
# custom:
#   check: C01
#   severity: critical
#   level: mandatory
#   unknown: defer
#   subjects: ["aws:*"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.14, A.5.31, A.5.34], gdpr: ["44"], uae_pdpl: ["22", "23"]}
#   remediation: Name the resource of an allowed region; call a model by a profile of the region itself.
#   runbook: gate_denied
package falaj.plan.references_stay

import rego.v1

import data.falaj.lib.plan

judged := plan.aws_urns

fail[urn] contains sprintf("it refers to %v, in %v; allowed: %v", [place, region(place), concat(", ", input.parameters.allowed_regions)]) if {
	count(abroad) > 0
	some urn, resource in plan.aws
	some place in places(json.marshal(resource.inputs))
	place in abroad
}

fail[urn] contains sprintf("it calls a model through %v, which several regions answer", [profile]) if {
	some_profile
	some urn, resource in plan.aws
	some profile in profiles(json.marshal(resource.inputs))
}

unknown[urn] contains sprintf("where its %v leads is not known before an apply, and no reference says whose it is", [field]) if {
	some type, field in sinks
	some sink in plan.of_type(type)
	urn := sink.urn
	sink.inputs[field].__falaj__ == "secret"
	count(plan.referred(sink, field)) == 0
}

unknown[urn] contains sprintf("where its %v leads is not known before an apply, and no reference says whose it is", [field]) if {
	some urn, fields in plan.unsettled
	plan.aws[urn]
	some field in fields
}

# One look at the text of all inputs tells most plans from those that must be looked at one by one.
abroad := {place |
	some text in plan.texts
	some place in places(text)
	where := region(place)
	not where in allowed
}

allowed := {one | some one in input.parameters.allowed_regions}

places(text) := {place | some place in regex.find_n(`arn:aws[a-z-]*:[a-z0-9-]+:[a-z]{2}(-[a-z]+)+-[0-9]+:`, text, -1)}

region(place) := split(place, ":")[3]

profiles(text) := {profile | some profile in regex.find_n(`\b(global|us|us-gov|eu|apac|jp|au)\.(amazon|anthropic|cohere|deepseek|meta|mistral|stability|twelvelabs|writer)\.[a-z0-9.-]+`, text, -1)}

some_profile if {
	some text in plan.texts
	count(profiles(text)) > 0
}

# What sends data to somewhere that a value names.
sinks := {
	"aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": "destinationArn",
	"aws:sns/topicSubscription:TopicSubscription": "endpoint",
	"aws:cloudwatch/eventTarget:EventTarget": "arn",
}
