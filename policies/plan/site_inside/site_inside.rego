# METADATA
# title: A site says where it is, and is in an allowed country
# description: |
#   A cluster of one's own has no region that a gate could read. So each namespace that is made through a context of somebody's
#   kubeconfig says at which site it lies and in which country, and that country is one where data may be.
# custom:
#   check: C01
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["kubernetes:core/v1:Namespace"]
#   reads: ["pulumi:providers:kubernetes"]
#   evidence: the plan and its decision
#   since: "2026-11-27"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.31, A.5.34], gdpr: ["44"], uae_pdpl: ["22", "23"]}
#   remediation: "Label the namespace falaj/site with the site's name and falaj/country with one of sites.countries; in a stack of ours: falaj:site."
#   runbook: gate_denied
package falaj.plan.site_inside

import rego.v1

import data.falaj.lib.plan

judged contains namespace.urn if some namespace in namespaces

fail[namespace.urn] contains "no label falaj/site says at which site it lies" if {
	some namespace in namespaces
	namespace.provider in by_context
	label(namespace, "falaj/site") == null
}

fail[namespace.urn] contains "no label falaj/country says where its site is" if {
	some namespace in namespaces
	on_site(namespace)
	label(namespace, "falaj/country") == null
}

fail[namespace.urn] contains sprintf("its site is in %v; allowed: %v", [country, concat(", ", input.parameters.sites.countries)]) if {
	some namespace in namespaces
	country := label(namespace, "falaj/country")
	plan.known(country)
	not country in input.parameters.sites.countries
}

unknown[namespace.urn] contains sprintf("its label %v is not known before an apply", [name]) if {
	some namespace in namespaces
	some name in ["falaj/site", "falaj/country"]
	plan.hidden(label(namespace, name))
}

namespaces := plan.of_type("kubernetes:core/v1:Namespace")

label(namespace, name) := plan.at(namespace.inputs, ["metadata", "labels", name])

on_site(namespace) if namespace.provider in by_context

on_site(namespace) if label(namespace, "falaj/site") != null

# References to providers that reach their cluster by a context of whoever applies, whatever stands behind it.
by_context := {reference |
	some reference in {namespace.provider | some namespace in namespaces}
	is_string(reference)
	parts := split(reference, "::")
	provider := plan.get(concat("::", array.slice(parts, 0, count(parts) - 1)))
	plan.at(provider.inputs, ["context"]) != null
}
