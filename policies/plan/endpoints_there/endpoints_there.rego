# METADATA
# title: A network reaches AWS by endpoints of its own
# description: |
#   Without an endpoint a service is reached through the internet, or not at all. Each network has a gateway endpoint for the
#   object store, and interface endpoints for the services that the parameters list.
# custom:
#   check: C11
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ec2/vpc:Vpc"]
#   reads: ["aws:ec2/vpcEndpoint:VpcEndpoint"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Add a VpcEndpoint in the network for each service of network.gateway_endpoints and network.interface_endpoints.
#   runbook: gate_denied
package falaj.plan.endpoints_there

import rego.v1

import data.falaj.lib.plan

judged contains network.urn if some network in networks

fail[urn] contains sprintf("it has no endpoint of type %v for %v", [kind, service]) if {
	some [urn, kind, service] in missing
	not urn in doubtful
}

unknown[urn] contains sprintf("whether it has an endpoint of type %v for %v is not known before an apply", [kind, service]) if {
	some [urn, kind, service] in missing
	urn in doubtful
}

networks := plan.of_type("aws:ec2/vpc:Vpc")

endpoints := plan.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")

needed := {"Gateway": input.parameters.network.gateway_endpoints, "Interface": input.parameters.network.interface_endpoints}

missing contains [network.urn, kind, service] if {
	some network in networks
	some kind, services in needed
	some service in services
	not [network.urn, kind, service] in there
}

there contains [urn, kind, service] if {
	some endpoint in endpoints
	service := service_of[endpoint.inputs.serviceName]
	kind := object.get(endpoint.inputs, "vpcEndpointType", "Gateway")
	some urn in networks_of(endpoint)
}

# Many networks have endpoints of the same name.
names := {name | some endpoint in endpoints; name := endpoint.inputs.serviceName; is_string(name)}

service_of := {name: service | some name in names; service := regex.replace(name, `^(com|cn)\.amazonaws\.[a-z0-9-]+\.`, "")}

# A network has no name of its own to be known by before it is made, so the reference says whose endpoint it is.
networks_of(endpoint) := plan.referred_of(endpoint, "vpcId", {"aws:ec2/vpc:Vpc"})

# Networks of which some endpoint does not say yet what it is for; all of them, where one does not say whose it is.
doubtful contains urn if {
	some endpoint in endpoints
	hides(endpoint)
	some urn in networks_of(endpoint)
}

doubtful contains network.urn if {
	count(adrift) > 0
	some network in networks
}

adrift contains endpoint.urn if {
	some endpoint in endpoints
	plan.hidden(endpoint.inputs.vpcId)
	count(networks_of(endpoint)) == 0
}

hides(endpoint) if {
	some field in ["serviceName", "vpcEndpointType"]
	plan.hidden(endpoint.inputs[field])
}
