# METADATA
# title: An endpoint leads nowhere else
# description: |
#   An interface endpoint answers for the service's own name and takes a security group; a gateway's policy is not open to every
#   account.
# custom:
#   check: C11
#   severity: medium
#   level: mandatory
#   unknown: defer
#   subjects: ["aws:ec2/vpcEndpoint:VpcEndpoint"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Set privateDnsEnabled and securityGroupIds on an interface endpoint; bind a policy to your account by aws:PrincipalAccount or aws:ResourceAccount.
#   runbook: gate_denied
package falaj.plan.endpoint_closed

import rego.v1

import data.falaj.lib.documents
import data.falaj.lib.plan

judged := {endpoint.urn | some endpoint in all}

fail[endpoint.urn] contains "private DNS is off, so the service's name still leads outside" if {
	some endpoint in interfaces
	value := object.get(endpoint.inputs, "privateDnsEnabled", null)
	value != true
	not plan.hidden(value)
}

fail[endpoint.urn] contains "it names no security group, so the network's default decides" if {
	some endpoint in interfaces
	plan.listed(object.get(endpoint.inputs, "securityGroupIds", null)) == []
}

fail[endpoint.urn] contains sprintf("%v lets every account through", [statement]) if {
	some endpoint in endpoints
	some statement in openings[endpoint.inputs.policy]
}

fail[endpoint.urn] contains "a gateway without a policy lets every account's data through" if {
	some endpoint in endpoints
	object.get(endpoint.inputs, "policy", null) == null
	kind(endpoint) == "Gateway"
}

fail[endpoint.urn] contains "its policy is not a JSON object" if {
	some endpoint in endpoints
	documents.malformed(endpoint.inputs.policy)
}

fail[endpoint.urn] contains sprintf("it is of no type that there is: %v", [type]) if {
	some endpoint in endpoints
	type := kind(endpoint)
	plan.known(type)
	not type in {"Interface", "Gateway", "GatewayLoadBalancer", "Resource", "ServiceNetwork"}
}

unknown[endpoint.urn] contains "its security groups are not known before an apply, and no reference says which they are" if {
	some endpoint in interfaces
	plan.hidden(object.get(endpoint.inputs, "securityGroupIds", null))
	count(plan.referred(endpoint, "securityGroupIds")) == 0
}

unknown[endpoint.urn] contains sprintf("%v is not known before an apply", [field]) if {
	some endpoint in endpoints
	some field in ["privateDnsEnabled", "vpcEndpointType"]
	plan.hidden(object.get(endpoint.inputs, field, null))
}

unknown[endpoint.urn] contains why if {
	some endpoint in endpoints
	endpoint.inputs.policy != null
	why := documents.unreadable(endpoint.inputs.policy)
}

all := plan.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")

# Many endpoints say the same, so each saying is looked at once; those that are plainly closed need no look at each.
endpoints := [endpoint |
	some endpoint in all
	not endpoint.urn in settled
]

settled := {endpoint.urn |
	some endpoint in all
	saying(endpoint.inputs) in closed
	grouped(endpoint.inputs)
}

saying(inputs) := [inputs.vpcEndpointType, object.get(inputs, "privateDnsEnabled", null), object.get(inputs, "policy", null)]

closed := {said |
	some said in {saying(endpoint.inputs) | some endpoint in all}
	shut(said)
}

shut(said) if {
	said[0] == "Gateway"
	not plan.hidden(said[1])
	said[2] in closing
}

shut(said) if {
	said[0] == "Interface"
	said[1] == true
	said[2] == null
}

shut(said) if {
	said[0] == "Interface"
	said[1] == true
	said[2] in closing
}

policies := {policy | some endpoint in all; policy := endpoint.inputs.policy; policy != null}

# Policy -> its statements that let every account through.
openings := {policy: labels |
	some policy in policies
	not documents.plain(policy, documents.names_everybody)
	not documents.unreadable(policy)
	labels := {documents.label(statement, index) |
		some index, statement in documents.allows(policy)
		not documents.narrowed(statement)
		documents.everybody(statement)
		of_all(statement)
	}
	count(labels) > 0
}

of_all(statement) if {
	some resource in documents.resources(statement)
	documents.everything(resource)
}

# All but some are more than anybody has named.
of_all(statement) if object.get(statement, "NotResource", null) != null

# Policies that are as they should be.
closing := {policy |
	some policy in policies
	not openings[policy]
	not documents.unreadable(policy)
	not documents.malformed(policy)
}

# A list of groups that is there; a gateway has none.
grouped(inputs) if inputs.vpcEndpointType == "Gateway"

grouped(inputs) if {
	is_array(inputs.securityGroupIds)
	count(inputs.securityGroupIds) > 0
}

interfaces := [endpoint | some endpoint in endpoints; endpoint.inputs.vpcEndpointType == "Interface"]

# Where nothing is said it is a gateway.
kind(endpoint) := or_gateway(object.get(endpoint.inputs, "vpcEndpointType", null))

or_gateway(type) := "Gateway" if type == null

or_gateway(type) := type if type != null
