# METADATA
# title: What leaves the network goes through a firewall that names where to
# description: |
#   Where there is a way out, nodes reach it through a firewall alone, which drops what its rules do not name, lets through domains
#   that somebody signed for, and writes down what it did. A subnet with a route past it has no firewall at all.
# custom:
#   check: C11
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:networkfirewall/firewall:Firewall", "aws:networkfirewall/firewallPolicy:FirewallPolicy", "aws:networkfirewall/ruleGroup:RuleGroup"]
#   reads: ["aws:ec2/internetGateway:InternetGateway", "aws:ec2/natGateway:NatGateway", "aws:ec2/route:Route", "aws:ec2/routeTable:RouteTable", "aws:ec2/routeTableAssociation:RouteTableAssociation", "aws:ec2/subnet:Subnet", "aws:networkfirewall/loggingConfiguration:LoggingConfiguration"]
#   evidence: the plan and its decision
#   since: "2026-11-27"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.12, A.8.20, A.8.22], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Route nodes to the firewall's endpoint, let its policy drop by default, list domains of network.egress_domains, and log ALERT and FLOW.
#   runbook: gate_denied
package falaj.plan.egress_inspected

import rego.v1

import data.falaj.lib.plan

judged contains each.urn if some each in array.concat(array.concat(firewalls, firewall_policies), groups)

judged contains urn if some urn, _ in past

judged contains route.urn if some route in unclear

judged contains route.urn if some route in astray

fail[urn] contains sprintf("%v goes out past the firewall", [last]) if {
	some urn, subnets in past
	some subnet in subnets
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

unknown[route.urn] contains "whose way it is is not known before an apply, and no reference says so" if some route in unclear

unknown[route.urn] contains "where it leads is not known before an apply, and no reference says so" if some route in astray

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

# Only the firewall's own subnets lead to a gateway that translates, and only that gateway's to the internet.
ways := [[route, field, stands] |
	some route in plan.of_type("aws:ec2/route:Route")
	some field, stands in {"natGatewayId": inside, "gatewayId": outside}
	leads(route, field)
]

leads(route, "natGatewayId") if object.get(route.inputs, "natGatewayId", null) != null

leads(route, "gatewayId") if count(plan.referred_of(route, "gatewayId", {"aws:ec2/internetGateway:InternetGateway"})) > 0

leads(route, "gatewayId") if {
	is_string(route.inputs.gatewayId)
	startswith(route.inputs.gatewayId, "igw-")
}

inside contains subnet if {
	some firewall in firewalls
	some subnet in plan.referred_of(firewall, "subnetMappings", {"aws:ec2/subnet:Subnet"})
}

outside contains subnet if {
	some gateway in plan.of_type("aws:ec2/natGateway:NatGateway")
	some subnet in plan.referred_of(gateway, "subnetId", {"aws:ec2/subnet:Subnet"})
}

past := {route.urn: subnets |
	some [route, _, stands] in ways
	subnets := {subnet | some table in tables(route); some subnet in joined[table]} - stands
	count(subnets) > 0
}

unclear contains route if {
	some [route, _, _] in ways
	count(tables(route)) == 0
}

# What may turn out to be a gateway to the internet.
astray contains route if {
	some route in plan.of_type("aws:ec2/route:Route")
	plan.hidden(object.get(route.inputs, "gatewayId", null))
	count(plan.referred_of(route, "gatewayId", {"aws:ec2/internetGateway:InternetGateway"})) == 0
}

tables(route) := plan.referred_of(route, "routeTableId", {"aws:ec2/routeTable:RouteTable"})

joined[table] contains subnet if {
	some each in plan.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
	some table in plan.referred_of(each, "routeTableId", {"aws:ec2/routeTable:RouteTable"})
	some subnet in plan.referred_of(each, "subnetId", {"aws:ec2/subnet:Subnet"})
}
