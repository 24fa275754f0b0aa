# METADATA
# title: A provider works in an allowed region
# description: |
#   Data stays in the country because everything that holds it does. The provider says where resources go that name no region
#   of their own; a provider that names none leaves that to whatever machine runs it.
# custom:
#   check: C01
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["pulumi:providers:aws", "pulumi:providers:aws-native"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.31, A.5.34], gdpr: ["44"], uae_pdpl: ["22", "23"]}
#   remediation: Set the provider's region (aws:region, or region of an explicit provider) to one of the environment's allowed regions.
#   runbook: gate_denied
package falaj.plan.provider_region

import rego.v1

import data.falaj.lib.plan

judged contains provider.urn if some provider in providers

fail[provider.urn] contains sprintf("its region is %v; allowed: %v", [where, concat(", ", input.parameters.allowed_regions)]) if {
	some provider in providers
	where := provider.inputs.region
	plan.known(where)
	not where in input.parameters.allowed_regions
}

unknown[provider.urn] contains "it names no region, so the machine that runs it decides" if {
	some provider in providers
	object.get(provider.inputs, "region", null) == null
}

unknown[provider.urn] contains "its region is not known before an apply" if {
	some provider in providers
	plan.hidden(provider.inputs.region)
}

providers := plan.of_types({"pulumi:providers:aws", "pulumi:providers:aws-native"})
