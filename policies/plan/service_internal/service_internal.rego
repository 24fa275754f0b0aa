# METADATA
# title: A service answers inside the network only
# description: |
#   A load balancer faces the internet unless it is told not to, and a port of the node is open on every node. Services answer
#   inside the cluster, or behind a balancer that is marked internal.
# custom:
#   check: C11
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["kubernetes:core/v1:Service", "kubernetes:networking.k8s.io/v1:Ingress"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Use type ClusterIP, or annotate the service or ingress with an internal scheme; leave out externalIPs.
#   runbook: gate_denied
package falaj.plan.service_internal

import rego.v1

import data.falaj.lib.plan

judged contains each.urn if some each in array.concat(services, ingresses)

fail[service.urn] contains "it opens a port on every node" if {
	some service in services
	kind(service) == "NodePort"
}

fail[service.urn] contains "its load balancer faces the internet" if {
	some service in services
	kind(service) == "LoadBalancer"
	not inside(service)
	not unclear(service)
}

fail[service.urn] contains "it answers on addresses outside the cluster" if {
	some service in services
	addresses := plan.at(service.inputs, ["spec", "externalIPs"])
	count(plan.listed(addresses)) > 0
	not plan.hidden(addresses)
}

fail[ingress.urn] contains "its load balancer faces the internet" if {
	some ingress in ingresses
	not inside(ingress)
	not unclear(ingress)
}

unknown[service.urn] contains "its type is not known before an apply" if {
	some service in services
	plan.hidden(kind(service))
}

unknown[service.urn] contains "its addresses are not known before an apply" if {
	some service in services
	plan.hidden(plan.at(service.inputs, ["spec", "externalIPs"]))
}

unknown[each.urn] contains "whether its load balancer is internal is not known before an apply" if {
	some each in array.concat([service | some service in services; kind(service) == "LoadBalancer"], ingresses)
	not inside(each)
	unclear(each)
}

services := plan.of_type("kubernetes:core/v1:Service")

ingresses := plan.of_type("kubernetes:networking.k8s.io/v1:Ingress")

kind(service) := plan.at(service.inputs, ["spec", "type"])

marks := {
	"alb.ingress.kubernetes.io/scheme": "internal",
	"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
	"service.beta.kubernetes.io/aws-load-balancer-internal": "true",
}

inside(each) if {
	some name, value in marks
	plan.at(each.inputs, ["metadata", "annotations", name]) == value
}

unclear(each) if plan.holds_hidden(plan.at(each.inputs, ["metadata", "annotations"]))
