# METADATA
# title: A resource is made in an allowed region
# description: |
#   Every AWS resource may name a region of its own, which wins over its provider's. So both are asked: the resource's own
#   region, else that of the provider that makes it. Zones and subnets follow the same rule.
# custom:
#   check: C01
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:*"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.31, A.5.34], gdpr: ["44"], uae_pdpl: ["22", "23"]}
#   remediation: Leave `region` out and use a provider pinned to an allowed region, or name an allowed region.
#   runbook: gate_denied
package falaj.plan.resource_region

import rego.v1

import data.falaj.lib.plan

judged := plan.aws_urns

fail[urn] contains sprintf("its region is %v; allowed: %v", [where, concat(", ", input.parameters.allowed_regions)]) if {
	some urn, where in own
	plan.known(where)
	not where in input.parameters.allowed_regions
}

fail[urn] contains sprintf("its region is %v; allowed: %v", [where, concat(", ", input.parameters.allowed_regions)]) if {
	some urn in left_to_provider
	where := of_provider[plan.get(urn).provider]
	plan.known(where)
	not where in input.parameters.allowed_regions
}

fail[urn] contains sprintf("its zone is %v; allowed regions: %v", [zone, concat(", ", input.parameters.allowed_regions)]) if {
	some urn, zone in zones
	is_string(zone)
	not zone_allowed(zone)
}

fail[endpoint.urn] contains sprintf("its service is in %v; allowed: %v", [where, concat(", ", input.parameters.allowed_regions)]) if {
	some [endpoint, where] in services
	not where in input.parameters.allowed_regions
}

unknown[endpoint.urn] contains sprintf("%v is not known before an apply, and with it the region of its service", [field]) if {
	some endpoint in plan.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
	some field in ["serviceName", "serviceRegion"]
	plan.hidden(endpoint.inputs[field])
}

unknown[urn] contains "neither it nor its provider says in which region it is made" if {
	some urn in left_to_provider
	object.get(of_provider, object.get(plan.get(urn), "provider", null), null) == null
}

unknown[urn] contains "its region is not known before an apply" if {
	some urn, where in own
	plan.hidden(where)
}

unknown[urn] contains "its region is not known before an apply" if {
	some urn in left_to_provider
	plan.hidden(of_provider[plan.get(urn).provider])
}

unknown[urn] contains "its zone is not known before an apply" if {
	some urn, zone in zones
	plan.hidden(zone)
}

# Endpoints and the regions that their services' names, or a field of its own, say.
services contains [endpoint, where] if {
	some endpoint in plan.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
	some field in ["serviceName", "serviceRegion"]
	some where in regions_in[endpoint.inputs[field]]
}

# Many endpoints are of one service, so each name is read once.
regions_in := {name: found |
	some name in names
	found := {where | some where in split(name, "."); regex.match(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`, where)}
}

names := {name |
	some endpoint in plan.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
	some field in ["serviceName", "serviceRegion"]
	name := endpoint.inputs[field]
	is_string(name)
}

# Most resources say nothing of their own, and their provider makes them in an allowed region.
doubtful := {urn: plan.get(urn) | some urn in (unsettled | outspoken)}

unsettled := {urn |
	count(plan.aws_providers - settled) > 0
	some urn, resource in plan.aws
	reference := object.get(resource, "provider", null)
	not reference in settled
}

# Those that say something of their own; one look at the text of a type tells whether any of it does.
outspoken := {resource.urn |
	some type, text in plan.texts
	startswith(type, "aws:")
	some field in ["region", "availabilityZone"]
	contains(text, sprintf(`"%v":`, [field]))
	some resource in plan.managed[type]
	resource.custom
	resource.inputs[field]
}

zones := {urn: zone |
	some urn, resource in doubtful
	zone := resource.inputs.availabilityZone
}

own := {urn: where |
	some urn, resource in doubtful
	where := resource.inputs.region
	where != null
}

left_to_provider := {urn |
	some urn, resource in doubtful
	reference := object.get(resource, "provider", null)
	not reference in settled
	not own[urn]
}

of_provider[reference] := object.get(plan.get(urn).inputs, "region", null) if some reference, urn in plan.provider_urn

settled contains reference if {
	some reference, where in of_provider
	is_string(where)
	where in input.parameters.allowed_regions
}

zone_allowed(zone) if {
	some allowed in input.parameters.allowed_regions
	regex.match(sprintf("^%v[a-z]$", [allowed]), zone)
}
