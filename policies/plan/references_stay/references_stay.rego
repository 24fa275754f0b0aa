# METADATA
# title: Nothing points out of the country
# description: |
#   A log sink, a subscription, a key or a target is named by an ARN, and an ARN names its region; a model called through a profile
#   of several regions answers from any of them. What a pod is told is looked at like what the provider is told. A profile is known by
#   its vendor, by the version that its name ends in, or by the ARN that it stands in.
# custom:
#   check: C01
#   severity: critical
#   level: mandatory
#   unknown: defer
#   subjects: ["aws:*", "kubernetes:*"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.14, A.5.31, A.5.34], gdpr: ["44"], uae_pdpl: ["22", "23"]}
#   remediation: Name the resource of an allowed region; call a model by a profile of the region itself.
#   runbook: gate_denied
package falaj.plan.references_stay

import rego.v1

import data.falaj.lib.plan

judged := plan.aws_urns | union({urns |
	some type, found in plan.urns_of_type
	startswith(type, "kubernetes:")
	urns := found & plan.custom
})

fail[urn] contains sprintf("it refers to %v, in %v; allowed: %v", [place, where, concat(", ", input.parameters.allowed_regions)]) if {
	some [urn, text] in looked_at(abroad)
	some place in places(text)
	where := region(place)
	not where in allowed
}

fail[urn] contains sprintf("it calls a model through %v, which several regions answer", [profile]) if {
	some [urn, text] in looked_at(calling)
	some profile in profiles(text)
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
	urn in judged
	some field in fields
}

# Of types whose resources are looked at one by one: [URN, text of its inputs]. One look at the text of a whole type leaves few of them.
looked_at(wanted) := [[resource.urn, json.marshal(resource.inputs)] |
	some type in wanted
	some resource in plan.of_type(type)
	resource.urn in judged
]

abroad := {type |
	some type, text in plan.texts
	some place in places(text)
	where := region(place)
	not where in allowed
}

calling := {type | some type, text in plan.texts; count(profiles(text)) > 0}

allowed := {one | some one in input.parameters.allowed_regions}

places(text) := {place | some place in regex.find_n(`arn:aws[a-z-]*:[a-z0-9-]+:[a-z]{2}(-[a-z]+)+-[0-9]+:`, text, -1)}

region(place) := split(place, ":")[3]

# Names of a group of regions, a vendor and a model, with dots between; a host has such a name too, and ends otherwise. In text that holds text,
# the sign of a new line stands right before a name.
profiles(text) := {regex.replace(name, `^(\\[nrt]|%2[fF])`, "") |
	some name in regex.find_n(`(\b|\\[nrt]|%2[fF])(global|us-gov|us|eu|apac|jp|au|ca)\.[a-z0-9]+\.[a-z0-9.-]*[a-z0-9]`, text, -1)
	regex.match(model, name)
	not regex.match(`\.(ai|cloud|com|io|net|org)$`, name)
} | {regex.replace(name, `^.*/`, "") |
	some name in regex.find_n(`inference-profile/(global|us-gov|us|eu|apac|jp|au|ca)\.[a-z0-9.*?-]+`, text, -1)
}

# By its vendor, or by the version at its end: -v1, -4.6, -k2.
model := `^[^.]*\.(ai21|amazon|anthropic|cohere|deepseek|luma|meta|minimax|mistral|moonshot|moonshotai|openai|qwen|stability|twelvelabs|writer|zai)\.|-[a-z]{0,2}[0-9]{1,2}([.-][0-9]{1,2})*$`

# What sends data to somewhere that a value names.
sinks := {
	"aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": "destinationArn",
	"aws:sns/topicSubscription:TopicSubscription": "endpoint",
	"aws:cloudwatch/eventTarget:EventTarget": "arn",
}
