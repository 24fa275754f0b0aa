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
#   effective_on: "2026-11-23"
#   controls: {iso27001: [A.5.31, A.5.34], gdpr: ["44"], uae_pdpl: ["22", "23"]}
#   remediation: Leave `region` out and use a provider pinned to an allowed region, or name an allowed region.
#   runbook: gate_denied
package falaj.plan.resource_region

import rego.v1

import data.falaj.lib.plan

judged contains urn if some urn, _ in region

fail[urn] contains sprintf("its region is %v; allowed: %v", [where, concat(", ", input.parameters.allowed_regions)]) if {
	some urn, where in region
	plan.known(where)
	not where in input.parameters.allowed_regions
}

fail[urn] contains sprintf("its zone is %v; allowed regions: %v", [zone, concat(", ", input.parameters.allowed_regions)]) if {
	some urn, _ in region
	zone := plan.get(urn).inputs.availabilityZone
	is_string(zone)
	not zone_allowed(zone)
}

unknown[urn] contains "neither it nor its provider says in which region it is made" if {
	some urn, where in region
	where == null
}

unknown[urn] contains "its region is not known before an apply" if {
	some urn, where in region
	plan.hidden(where)
}

unknown[urn] contains "its zone is not known before an apply" if {
	some urn, _ in region
	plan.hidden(plan.get(urn).inputs.availabilityZone)
}

region[urn] := effective(resource) if {
	some urn in plan.custom
	resource := plan.get(urn)
	plan.is_aws(resource)
}

effective(resource) := resource.inputs.region if {
	object.get(resource.inputs, "region", null) != null
} else := object.get(plan.provider(resource).inputs, "region", null) if {
	plan.provider(resource)
} else := null

zone_allowed(zone) if {
	some allowed in input.parameters.allowed_regions
	regex.match(sprintf("^%v[a-z]$", [allowed]), zone)
}
