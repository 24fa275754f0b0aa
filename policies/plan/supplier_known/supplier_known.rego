# METADATA
# title: A service that is used is in the register
# description: |
#   Each service of the provider that a plan uses is a processor of data: it stands in the register, with where it runs and by which terms.
# custom:
#   check: C35
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:*"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.19, A.5.23], gdpr: ["28"], uae_pdpl: ["8"]}
#   remediation: Add the service to the register of suppliers (parameter suppliers), with its place and terms, after somebody has reviewed it.
#   runbook: gate_denied
package falaj.plan.supplier_known

import rego.v1

import data.falaj.lib.plan

judged := plan.aws_urns

fail[urn] contains sprintf("service %v is not in the register of suppliers", [service]) if {
	some type, urns in plan.urns_of_type
	startswith(type, "aws:")
	service := split(split(type, ":")[1], "/")[0]
	not service in registered
	some urn in urns
	plan.aws[urn]
}

unknown[urn] contains sprintf("where service %v runs is not said in the register", [service]) if {
	some type, urns in plan.urns_of_type
	startswith(type, "aws:")
	service := split(split(type, ":")[1], "/")[0]
	input.parameters.suppliers[service].place == ""
	some urn in urns
	plan.aws[urn]
}

registered := object.keys(input.parameters.suppliers)
