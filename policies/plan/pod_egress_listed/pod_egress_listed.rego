# METADATA
# title: Pods, and who is asked for them, reach only what is listed
# description: |
#   Data leaves through connections that go out. Each opening towards the outside names where to and on which port; an opening to
#   anywhere is no list. A webhook is sent whole objects, Secrets among them: it is a service of the cluster, which such policies hold.
# custom:
#   check: C11
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["kubernetes:networking.k8s.io/v1:NetworkPolicy", "kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration", "kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration", "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.12, A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Give each egress rule a to (namespace and pod selectors, or an ipBlock no wider than network.widest_ipv4) and ports; name the service that answers a webhook instead of a url.
#   runbook: gate_denied
package falaj.plan.pod_egress_listed

import rego.v1

import data.falaj.lib.networks
import data.falaj.lib.plan

judged contains one.urn if some one in array.concat(policies, array.concat(configurations, kinds))

fail[urn] contains "an opening leads anywhere" if {
	some [urn, opening] in openings
	count(plan.listed(object.get(opening, "to", null))) == 0
}

fail[urn] contains "an opening is for every port" if {
	some [urn, opening] in openings
	count(plan.listed(object.get(opening, "ports", null))) == 0
}

fail[urn] contains "an opening is for every port" if {
	some [urn, opening] in openings
	some port in plan.listed(object.get(opening, "ports", null))
	portless(port)
}

fail[urn] contains "an opening names somebody and does not say whom" if {
	some [urn, opening] in openings
	some peer in plan.listed(object.get(opening, "to", null))
	not plan.hidden(peer)
	not says_whom(peer)
}

fail[urn] contains sprintf("an opening leads to %v, which is too wide", [block]) if {
	some [urn, opening] in openings
	some peer in plan.listed(object.get(opening, "to", null))
	block := plan.at(peer, ["ipBlock", "cidr"])
	too_wide(block)
}

unknown[policy.urn] contains "what it opens is not known before an apply" if {
	some policy in policies
	egress := plan.at(policy.inputs, ["spec", "egress"])
	some part in array.concat([object.get(policy.inputs, "spec", null), egress], plan.listed(egress))
	plan.hidden(part)
}

unknown[urn] contains "where an opening leads is not known before an apply" if {
	some [urn, opening] in openings
	plan.holds_hidden(opening)
}

fail[urn] contains sprintf("what it is asked about goes to %v", [url]) if {
	some [urn, url] in urls
	not plan.hidden(url)
}

unknown[urn] contains "where what it is asked about goes is not known before an apply" if {
	some [urn, url] in urls
	plan.hidden(url)
}

# An address block must have its range, which may be hidden.
says_whom(peer) if {
	is_object(peer)
	block := plan.at(peer, ["ipBlock", "cidr"])
	any_text(block)
}

says_whom(peer) if {
	is_object(peer)
	object.get(peer, "ipBlock", null) == null
	some field in ["podSelector", "namespaceSelector"]
	object.get(peer, field, null) != null
}

any_text(value) if is_string(value)

any_text(value) if plan.hidden(value)

portless(port) if not is_object(port)

portless(port) if {
	is_object(port)
	object.get(port, "port", null) == null
	not plan.hidden(port)
}

policies := plan.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")

# Openings that are not plainly closed: many policies open the same, so each opening is looked at once.
openings contains [policy.urn, opening] if {
	some policy in policies
	some opening in plan.listed(plan.at(policy.inputs, ["spec", "egress"]))
	not opening in listed
	not plan.hidden(opening)
}

shapes := {opening | some policy in policies; some opening in plan.listed(policy.inputs.spec.egress)}

listed := {opening |
	some opening in shapes
	not plan.holds_hidden(opening)
	count(plan.listed(opening.ports)) > 0
	count(plan.listed(opening.to)) > 0
	count([1 | some port in plan.listed(opening.ports); portless(port)]) == 0
	every peer in plan.listed(opening.to) {
		says_whom(peer)
		not wide(peer)
	}
}

wide(peer) if too_wide(peer.ipBlock.cidr)

too_wide(block) if {
	is_string(block)
	not networks.narrow(block)
}

# Where an object says that the API server sends what it asks about; a mark where that, or what it stands in, is hidden.
urls contains [one.urn, url] if {
	some one in configurations
	some hook in plan.listed(plan.at(one.inputs, ["webhooks"]))
	url := plan.at(hook, ["clientConfig", "url"])
	url != null
}

urls contains [one.urn, url] if {
	some one in kinds
	url := plan.at(one.inputs, ["spec", "conversion", "webhook", "clientConfig", "url"])
	url != null
}

configurations := plan.of_types([
	"kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration",
	"kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration",
])

kinds := plan.of_type("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition")
