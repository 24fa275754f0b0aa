# METADATA
# title: A service that cannot be pinned to a region is not used
# description: |
#   Some services keep copies at edges or control planes all over the world; what goes through them has left the country.
# custom:
#   check: C01
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:*"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.14, A.5.31, A.5.34], gdpr: ["44"], uae_pdpl: ["22", "23"]}
#   remediation: Use a service of the region, or have the service reviewed and listed with what of ours it may see.
#   runbook: gate_denied
package falaj.plan.service_pinned

import rego.v1

import data.falaj.lib.plan

judged := plan.aws_urns

fail[urn] contains sprintf("service %v cannot be pinned to a region, and is not on the list of those reviewed", [service]) if {
	some service, urns in used
	service in (worldwide - object.keys(input.parameters.global_services.reviewed))
	some urn in (urns & plan.aws_urns)
}

unknown[urn] contains sprintf("what service %v may see of ours is not said on the list", [service]) if {
	some service, urns in used
	object.get(input.parameters.global_services.reviewed, service, "not listed") == ""
	some urn in (urns & plan.aws_urns)
}

worldwide := {service | some service in input.parameters.global_services.worldwide}

types_of[service] contains type if {
	some type, _ in plan.urns_of_type
	startswith(type, "aws:")
	service := split(split(type, ":")[1], "/")[0]
}

used := {service: union({plan.urns_of_type[type] | some type in types}) | some service, types in types_of}
