# METADATA
# title: A network has no way to the internet
# description: |
#   Nodes stand in private subnets where their network has no gateway and no route that leads outside: what starts there can
#   neither be reached nor send anything away, whatever its own settings say. Where network.egress_domains names any, there may be
#   a way out through a firewall; egress_inspected judges it.
# custom:
#   check: C08
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ec2/internetGateway:InternetGateway", "aws:ec2/internetGatewayAttachment:InternetGatewayAttachment", "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway", "aws:ec2/natGateway:NatGateway", "aws:ec2/route:Route", "aws:ec2/routeTable:RouteTable", "aws:ec2/defaultRouteTable:DefaultRouteTable"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Take the gateway or route out and reach AWS through VPC endpoints; for a way out through a firewall have its domains signed as network.egress_domains (falaj waiver parameter).
#   runbook: gate_denied
package falaj.plan.network_inward

import rego.v1

import data.falaj.lib.networks
import data.falaj.lib.plan

judged contains resource.urn if some resource in gateways

judged contains resource.urn if some resource in routers

fail[gateway.urn] contains "it joins a network to the internet" if {
	not inspected
	some gateway in gateways
	not inward(gateway)
	not plan.hidden(connectivity(gateway))
}

fail[urn] contains sprintf("it leads to %v", [cidr]) if {
	some [urn, cidr] in destinations
	not judged_elsewhere(urn)
	plan.known(cidr)
	not networks.narrow(cidr)
}

fail[urn] contains sprintf("it leads through internet gateway %v", [gateway]) if {
	some [urn, gateway] in through
	not judged_elsewhere(urn)
	is_string(gateway)
	startswith(gateway, "igw-")
}

fail[table.urn] contains "it takes on whatever routes a VPN gateway tells it" if {
	some table in tables
	told := object.get(table.inputs, "propagatingVgws", null)
	count(plan.listed(told)) > 0
	not plan.hidden(told)
}

unknown[table.urn] contains "whether a VPN gateway tells it routes is not known before an apply" if {
	some table in tables
	plan.hidden(object.get(table.inputs, "propagatingVgws", null))
}

unknown[urn] contains "where it leads is a list of networks that nobody reads here" if {
	some [urn, way] in ways
	not judged_elsewhere(urn)
	list := way.destinationPrefixListId
	not list in {null, ""}
}

unknown[gateway.urn] contains "whether it joins a network to the internet is not known before an apply" if {
	some gateway in gateways
	plan.hidden(connectivity(gateway))
}

unknown[urn] contains "where it leads is not known before an apply" if {
	some [urn, value] in (destinations | through)
	plan.hidden(value)
	not judged_elsewhere(urn)
}

# There is a firewall, and domains that somebody signed for. An old way of writing routes is not looked at there.
inspected if {
	count(input.parameters.network.egress_domains) > 0
	count(plan.of_type("aws:networkfirewall/firewall:Firewall")) > 0
}

judged_elsewhere(urn) if {
	inspected
	plan.get(urn).type == "aws:ec2/route:Route"
}

# A NAT gateway can be one between networks of ours.
inward(gateway) if {
	gateway.type == "aws:ec2/natGateway:NatGateway"
	connectivity(gateway) == "private"
}

connectivity(gateway) := object.get(gateway.inputs, "connectivityType", null)

gateways := plan.of_types({
	"aws:ec2/internetGateway:InternetGateway",
	"aws:ec2/internetGatewayAttachment:InternetGatewayAttachment",
	"aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway",
	"aws:ec2/natGateway:NatGateway",
})

routers := array.concat(plan.of_type("aws:ec2/route:Route"), tables)

tables := plan.of_types({"aws:ec2/routeTable:RouteTable", "aws:ec2/defaultRouteTable:DefaultRouteTable"})

# Each way on, whether it is a resource or an entry of its table.
ways := array.concat(
	[[route.urn, route.inputs] | some route in plan.of_type("aws:ec2/route:Route")],
	[[table.urn, way] | some table in tables; some way in plan.listed(object.get(table.inputs, "routes", null))],
)

destinations contains [urn, cidr] if {
	some [urn, way] in ways
	some field in ["destinationCidrBlock", "destinationIpv6CidrBlock", "cidrBlock", "ipv6CidrBlock"]
	cidr := plan.at(way, [field])
	cidr != null
}

through contains [urn, gateway] if {
	some [urn, way] in ways
	gateway := plan.at(way, ["gatewayId"])
	gateway != null
}
