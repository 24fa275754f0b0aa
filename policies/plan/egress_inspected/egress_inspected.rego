# METADATA
# title: What leaves the network goes through a firewall that names where to
# description: |
#   Where there is a way out, nodes reach it through a firewall alone, which drops what its rules do not name, lets through domains
#   that somebody signed for, and writes down what it did. A subnet with a route past it has no firewall at all, whatever the route
#   leads through: only one to a narrow private network may go by a peering, a transit gateway or the like.
# custom:
#   check: C11
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:networkfirewall/firewall:Firewall", "aws:networkfirewall/firewallPolicy:FirewallPolicy", "aws:networkfirewall/ruleGroup:RuleGroup", "aws:ec2/route:Route"]
#   reads: ["aws:ec2/defaultRouteTable:DefaultRouteTable", "aws:ec2/internetGateway:InternetGateway", "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation", "aws:ec2/natGateway:NatGateway", "aws:ec2/routeTable:RouteTable", "aws:ec2/routeTableAssociation:RouteTableAssociation", "aws:ec2/subnet:Subnet", "aws:networkfirewall/loggingConfiguration:LoggingConfiguration"]
#   evidence: the plan and its decision
#   since: "2026-11-27"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.12, A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Route nodes to the firewall's endpoint, let its policy drop by default, list domains of network.egress_domains, and log ALERT and FLOW.
#   runbook: gate_denied
package falaj.plan.egress_inspected

import rego.v1

import data.falaj.lib.networks
import data.falaj.lib.plan

judged contains each.urn if some each in array.concat(array.concat(firewalls, firewall_policies), array.concat(groups, routes))

fail[route.urn] contains sprintf("%v goes out past the firewall", [last]) if {
	some [route, _, way] in ways
	way in {"internet", "onward"}
	some subnet in (takers(route) - stands[way])
	last := regex.replace(subnet, "^.*::", "")
}

fail[firewall.urn] contains sprintf("nobody writes down its %v log", [kind]) if {
	some firewall in firewalls
	some kind in ["ALERT", "FLOW"]
	not [firewall.urn, kind] in logged
}

fail[policy.urn] contains "what none of its rules names is let through" if {
	some policy in firewall_policies
	not plan.holds_hidden(object.remove(settings(policy), references))
	not drops(policy)
}

fail[policy.urn] contains "packets that nobody has looked at are let through" if {
	some policy in firewall_policies
	some field in ["statelessDefaultActions", "statelessFragmentDefaultActions"]
	"aws:pass" in plan.listed(plan.at(settings(policy), [field]))
}

fail[group.urn] contains "packets that nobody has looked at are let through" if {
	some group in groups
	some rule in plan.listed(plan.at(source(group), ["statelessRulesAndCustomActions", "statelessRules"]))
	"aws:pass" in plan.listed(plan.at(rule, ["ruleDefinition", "actions"]))
}

fail[group.urn] contains sprintf("it lets out to %v, which is not among network.egress_domains", [domain]) if {
	some group in groups
	list := plan.at(source(group), ["rulesSourceList"])
	plan.at(list, ["generatedRulesType"]) == "ALLOWLIST"
	some domain in plan.listed(plan.at(list, ["targets"]))
	is_string(domain)
	not domain in input.parameters.network.egress_domains
}

fail[group.urn] contains "its rules are text that nobody reads here" if {
	some group in groups
	some text in [plan.at(source(group), ["rulesString"]), object.get(group.inputs, "rules", null)]
	plan.known(text)
}

fail[group.urn] contains "it lets through by address, and not by name" if {
	some group in groups
	some rule in plan.listed(plan.at(source(group), ["statefulRules"]))
	plan.at(rule, ["action"]) == "PASS"
}

unknown[policy.urn] contains "what it does with what no rule names is not known before an apply" if {
	some policy in firewall_policies
	plan.holds_hidden(object.remove(settings(policy), references))
}

unknown[group.urn] contains "what it lets through is not known before an apply" if {
	some group in groups
	plan.holds_hidden([source(group), object.get(group.inputs, "rules", null)])
}

unknown[route.urn] contains "whose way it is is not known before an apply, and no reference says so" if {
	some [route, _, _] in ways
	unclear(route)
}

unknown[route.urn] contains "where it leads is not known before an apply, and no reference says so" if {
	some [route, "gatewayId", "perhaps"] in ways
}

unknown[route.urn] contains "where it leads is not known before an apply, and no reference says so" if {
	some [route, field, "perhaps"] in ways
	field != "gatewayId"
	count(takers(route) - inside) > 0
}

unknown[route.urn] contains "which networks it leads to is not known here, and it goes past the firewall" if {
	some [route, _, "somewhere"] in ways
	count(takers(route) - inside) > 0
}

firewalls := plan.of_type("aws:networkfirewall/firewall:Firewall")

firewall_policies := plan.of_type("aws:networkfirewall/firewallPolicy:FirewallPolicy")

groups := plan.of_type("aws:networkfirewall/ruleGroup:RuleGroup")

# Which groups it stands on is made with them.
references := ["statefulRuleGroupReferences", "statelessRuleGroupReferences"]

settings(policy) := object.get(policy.inputs, "firewallPolicy", {})

source(group) := plan.at(group.inputs, ["ruleGroup", "rulesSource"])

# A connection is ended unless a rule names it; what makes no connection never gets that far, or is dropped as well.
drops(policy) if {
	defaults := {action | some action in plan.listed(plan.at(settings(policy), ["statefulDefaultActions"]))}
	"aws:drop_strict" in defaults
}

drops(policy) if {
	defaults := {action | some action in plan.listed(plan.at(settings(policy), ["statefulDefaultActions"]))}
	count(defaults & {"aws:drop_established", "aws:drop_established_app_layer"}) > 0
	every field in ["statelessDefaultActions", "statelessFragmentDefaultActions"] {
		plan.listed(plan.at(settings(policy), [field])) == ["aws:drop"]
	}
}

logged contains [firewall, kind] if {
	some log in plan.of_type("aws:networkfirewall/loggingConfiguration:LoggingConfiguration")
	some firewall in plan.referred_of(log, "firewallArn", {"aws:networkfirewall/firewall:Firewall"})
	some destination in plan.listed(plan.at(log.inputs, ["loggingConfiguration", "logDestinationConfigs"]))
	kind := plan.at(destination, ["logType"])
}

routes := plan.of_type("aws:ec2/route:Route")

# Every way that leads out, or may. What a route says nothing of it does not lead through.
ways := [[route, field, way] |
	some route in routes
	some field in fields
	value := object.get(route.inputs, field, null)
	not value in {null, "", "local"}
	way := leads(means(route, field, value), heading(route))
	way != "within"
]

fields := links | {"carrierGatewayId", "egressOnlyGatewayId", "gatewayId", "natGatewayId", "vpcEndpointId"}

# Between private networks, for all that is known: what lies behind is a matter of the networks that the route is for.
links := {"coreNetworkArn", "localGatewayId", "networkInterfaceId", "odbNetworkArn", "transitGatewayId", "vpcPeeringConnectionId"}

# To the internet itself go only subnets of gateways that translate, and onward to those or to other networks only the firewall's own.
stands := {"internet": outside, "onward": inside}

# What a field of a route is to the network: one of the ways, a link, or in doubt whether it is anything but the firewall's endpoint or a link.
means(route, "gatewayId", value) := "internet" if {
	count(plan.referred_of(route, "gatewayId", {"aws:ec2/internetGateway:InternetGateway"})) > 0
} else := "perhaps" if {
	plan.hidden(value)
} else := "internet" if {
	is_string(value)
	startswith(value, "igw-")
} else := "link"

means(route, "natGatewayId", value) := "within" if {
	translators(route) == {"private"}
} else := "perhaps" if {
	some kind in translators(route)
	plan.hidden(kind)
} else := "perhaps" if {
	count(translators(route)) == 0
	plan.hidden(value)
} else := "onward"

means(route, "vpcEndpointId", _) := "within" if {
	count(plan.referred_of(route, "vpcEndpointId", {"aws:networkfirewall/firewall:Firewall"})) > 0
} else := "link" if {
	count(plan.referred(route, "vpcEndpointId")) > 0
} else := "doubt"

means(route, field, value) := "perhaps" if {
	field in {"carrierGatewayId", "egressOnlyGatewayId"}
	unsaid(route, field, value)
} else := "onward" if {
	field in {"carrierGatewayId", "egressOnlyGatewayId"}
} else := "doubt" if {
	field in links
	unsaid(route, field, value)
} else := "link" if {
	field in links
}

unsaid(route, field, value) if {
	plan.hidden(value)
	count(plan.referred(route, field)) == 0
}

# One that is private translates between networks of ours, and the routes of its own subnet say where to.
translators(route) := {connectivity(plan.get(urn)) | some urn in plan.referred_of(route, "natGatewayId", {"aws:ec2/natGateway:NatGateway"})}

connectivity(gateway) := object.get(gateway.inputs, "connectivityType", "public")

# A link to narrow private networks is none of the firewall's business, as it is none where there is no firewall.
leads("link", heading) := heading

leads("doubt", heading) := "within" if heading == "within"

leads("doubt", heading) := "perhaps" if heading != "within"

leads(way, _) := way if not way in {"link", "doubt"}

heading(route) := "within" if {
	count(destinations(route)) > 0
	every each in destinations(route) {
		networks.narrow(each)
		networks.private(each)
	}
} else := "somewhere" if {
	some each in destinations(route)
	plan.hidden(each)
} else := "somewhere" if {
	is_string(route.inputs.destinationPrefixListId)
} else := "onward"

destinations(route) := [value |
	some field in ["destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"]
	value := object.get(route.inputs, field, null)
	not value in {null, ""}
]

inside contains subnet if {
	some firewall in firewalls
	numbers := [plan.at(mapping, ["subnetId"]) | some mapping in plan.listed(object.get(firewall.inputs, "subnetMappings", null))]
	some subnet in subnets(firewall, "subnetMappings", numbers)
}

outside contains subnet if {
	some gateway in plan.of_type("aws:ec2/natGateway:NatGateway")
	connectivity(gateway) == "public"
	some subnet in subnets(gateway, "subnetId", [object.get(gateway.inputs, "subnetId", null)])
}

# By what is referred to, and by number where nothing is.
subnets(resource, property, numbers) := found if {
	found := plan.referred_of(resource, property, {"aws:ec2/subnet:Subnet"})
	count(found) > 0
} else := {number | some number in numbers; is_string(number)}

takers(route) := {subnet | some table in tables(route); some subnet in joined[table]}

tables(resource) := plan.referred_of(resource, "routeTableId", {"aws:ec2/routeTable:RouteTable", default_table})

default_table := "aws:ec2/defaultRouteTable:DefaultRouteTable"

associations := plan.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")

mains := plan.of_type("aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation")

associated(association) := subnets(association, "subnetId", [object.get(association.inputs, "subnetId", null)])

joined[table] contains subnet if {
	some association in associations
	some table in tables(association)
	some subnet in associated(association)
}

# Tables of which some other subnets than those may be, or all that name none.
open contains table if {
	some association in associations
	plan.hidden(object.get(association.inputs, "subnetId", null))
	count(associated(association)) == 0
	some table in tables(association)
}

open contains table if {
	some main in mains
	some table in tables(main)
}

open contains table.urn if some table in plan.of_type(default_table)

# Whose table nobody knows: it may be any.
loose contains association.urn if {
	some association in array.concat(associations, mains)
	count(tables(association)) == 0
}

used contains table if some table, _ in joined

unclear(route) if count(tables(route)) == 0

unclear(_) if count(loose) > 0

unclear(route) if {
	some table in tables(route)
	not table in used
}

unclear(route) if {
	some table in tables(route)
	table in open
}
