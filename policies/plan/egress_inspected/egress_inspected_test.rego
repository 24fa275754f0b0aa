package falaj.plan.egress_inspected_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.egress_inspected as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

# Where two people signed for a domain and all below it.
signed(resources) := object.union(given.plan(resources), {"parameters": {"network": {"egress_domains": [".example.org"]}}})

test_allowed_a_way_out_through_a_firewall_that_drops_and_writes_down if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/route:Route::nodes", "urn:pulumi:prod::app::aws:ec2/route:Route::inner", "urn:pulumi:prod::app::aws:ec2/route:Route::outer", "urn:pulumi:prod::app::aws:networkfirewall/firewall:Firewall::f", "urn:pulumi:prod::app::aws:networkfirewall/firewallPolicy:FirewallPolicy::p", "urn:pulumi:prod::app::aws:networkfirewall/ruleGroup:RuleGroup::g"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::nodes", "type": "aws:ec2/subnet:Subnet", "name": "nodes", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::nodes", "type": "aws:ec2/routeTable:RouteTable", "name": "nodes", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"subnetId": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::nodes"], "routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::nodes"]}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTableAssociation:RouteTableAssociation::nodes", "type": "aws:ec2/routeTableAssociation:RouteTableAssociation", "name": "nodes", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}, "routeTableId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::firewall", "type": "aws:ec2/subnet:Subnet", "name": "firewall", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::firewall", "type": "aws:ec2/routeTable:RouteTable", "name": "firewall", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"subnetId": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::firewall"], "routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::firewall"]}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTableAssociation:RouteTableAssociation::firewall", "type": "aws:ec2/routeTableAssociation:RouteTableAssociation", "name": "firewall", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}, "routeTableId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::outside", "type": "aws:ec2/subnet:Subnet", "name": "outside", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::outside", "type": "aws:ec2/routeTable:RouteTable", "name": "outside", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"subnetId": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::outside"], "routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::outside"]}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTableAssociation:RouteTableAssociation::outside", "type": "aws:ec2/routeTableAssociation:RouteTableAssociation", "name": "outside", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}, "routeTableId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"subnetMappings": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::firewall"]}, "urn": "urn:pulumi:prod::app::aws:networkfirewall/firewall:Firewall::f", "type": "aws:networkfirewall/firewall:Firewall", "name": "f", "op": "create", "custom": true, "inputs": {"name": "f", "subnetMappings": [{"subnetId": {"__falaj__": "unknown"}}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"firewallArn": ["urn:pulumi:prod::app::aws:networkfirewall/firewall:Firewall::f"]}, "urn": "urn:pulumi:prod::app::aws:networkfirewall/loggingConfiguration:LoggingConfiguration::l", "type": "aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "name": "l", "op": "create", "custom": true, "inputs": {"firewallArn": {"__falaj__": "unknown"}, "loggingConfiguration": {"logDestinationConfigs": [{"logType": "ALERT", "logDestinationType": "S3", "logDestination": {"bucketName": "logs"}}, {"logType": "FLOW", "logDestinationType": "S3", "logDestination": {"bucketName": "logs"}}]}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"subnetId": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::outside"]}, "urn": "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n", "type": "aws:ec2/natGateway:NatGateway", "name": "n", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}, "allocationId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i", "type": "aws:ec2/internetGateway:InternetGateway", "name": "i", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::nodes"], "vpcEndpointId": ["urn:pulumi:prod::app::aws:networkfirewall/firewall:Firewall::f"]}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::nodes", "type": "aws:ec2/route:Route", "name": "nodes", "op": "create", "custom": true, "inputs": {"routeTableId": {"__falaj__": "unknown"}, "destinationCidrBlock": "0.0.0.0/0", "vpcEndpointId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::firewall"], "natGatewayId": ["urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n"]}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::inner", "type": "aws:ec2/route:Route", "name": "inner", "op": "create", "custom": true, "inputs": {"routeTableId": {"__falaj__": "unknown"}, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::outside"], "gatewayId": ["urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i"]}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::outer", "type": "aws:ec2/route:Route", "name": "outer", "op": "create", "custom": true, "inputs": {"routeTableId": {"__falaj__": "unknown"}, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:networkfirewall/firewallPolicy:FirewallPolicy::p", "type": "aws:networkfirewall/firewallPolicy:FirewallPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"firewallPolicy": {"statelessDefaultActions": ["aws:drop"], "statelessFragmentDefaultActions": ["aws:drop"], "statefulDefaultActions": ["aws:drop_established"]}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:networkfirewall/ruleGroup:RuleGroup::g", "type": "aws:networkfirewall/ruleGroup:RuleGroup", "name": "g", "op": "create", "custom": true, "inputs": {"type": "STATEFUL", "capacity": 10, "ruleGroup": {"rulesSource": {"statelessRulesAndCustomActions": {"statelessRules": [{"priority": 1, "ruleDefinition": {"actions": ["aws:forward_to_sfe"], "matchAttributes": {"protocols": [6]}}}]}}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_domain_that_somebody_signed_for if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:networkfirewall/ruleGroup:RuleGroup::g"},
		"fail": {},
		"unknown": {},
	} with input as signed([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:networkfirewall/ruleGroup:RuleGroup::g", "type": "aws:networkfirewall/ruleGroup:RuleGroup", "name": "g", "op": "create", "custom": true, "inputs": {"type": "STATEFUL", "capacity": 10, "ruleGroup": {"rulesSource": {"rulesSourceList": {"generatedRulesType": "ALLOWLIST", "targetTypes": ["TLS_SNI"], "targets": [".example.org"]}}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_name_below_a_domain_that_somebody_signed_for_which_is_not_the_same if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:networkfirewall/ruleGroup:RuleGroup::g"},
		"fail": {"urn:pulumi:prod::app::aws:networkfirewall/ruleGroup:RuleGroup::g": {"it lets out to hub.example.org, which is not among network.egress_domains"}},
		"unknown": {},
	} with input as signed([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:networkfirewall/ruleGroup:RuleGroup::g", "type": "aws:networkfirewall/ruleGroup:RuleGroup", "name": "g", "op": "create", "custom": true, "inputs": {"type": "STATEFUL", "capacity": 10, "ruleGroup": {"rulesSource": {"rulesSourceList": {"generatedRulesType": "ALLOWLIST", "targetTypes": ["TLS_SNI"], "targets": ["hub.example.org"]}}}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_nodes_with_a_route_past_the_firewall if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/route:Route::nodes", "urn:pulumi:prod::app::aws:ec2/route:Route::inner", "urn:pulumi:prod::app::aws:ec2/route:Route::outer", "urn:pulumi:prod::app::aws:ec2/route:Route::late", "urn:pulumi:prod::app::aws:networkfirewall/firewall:Firewall::f"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/route:Route::late": {"nodes goes out past the firewall"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::nodes", "type": "aws:ec2/subnet:Subnet", "name": "nodes", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::nodes", "type": "aws:ec2/routeTable:RouteTable", "name": "nodes", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"subnetId": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::nodes"], "routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::nodes"]}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTableAssociation:RouteTableAssociation::nodes", "type": "aws:ec2/routeTableAssociation:RouteTableAssociation", "name": "nodes", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}, "routeTableId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::firewall", "type": "aws:ec2/subnet:Subnet", "name": "firewall", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::firewall", "type": "aws:ec2/routeTable:RouteTable", "name": "firewall", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"subnetId": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::firewall"], "routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::firewall"]}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTableAssociation:RouteTableAssociation::firewall", "type": "aws:ec2/routeTableAssociation:RouteTableAssociation", "name": "firewall", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}, "routeTableId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::outside", "type": "aws:ec2/subnet:Subnet", "name": "outside", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::outside", "type": "aws:ec2/routeTable:RouteTable", "name": "outside", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"subnetId": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::outside"], "routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::outside"]}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTableAssociation:RouteTableAssociation::outside", "type": "aws:ec2/routeTableAssociation:RouteTableAssociation", "name": "outside", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}, "routeTableId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"subnetMappings": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::firewall"]}, "urn": "urn:pulumi:prod::app::aws:networkfirewall/firewall:Firewall::f", "type": "aws:networkfirewall/firewall:Firewall", "name": "f", "op": "create", "custom": true, "inputs": {"name": "f", "subnetMappings": [{"subnetId": {"__falaj__": "unknown"}}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"firewallArn": ["urn:pulumi:prod::app::aws:networkfirewall/firewall:Firewall::f"]}, "urn": "urn:pulumi:prod::app::aws:networkfirewall/loggingConfiguration:LoggingConfiguration::l", "type": "aws:networkfirewall/loggingConfiguration:LoggingConfiguration", "name": "l", "op": "create", "custom": true, "inputs": {"firewallArn": {"__falaj__": "unknown"}, "loggingConfiguration": {"logDestinationConfigs": [{"logType": "ALERT", "logDestinationType": "S3", "logDestination": {"bucketName": "logs"}}, {"logType": "FLOW", "logDestinationType": "S3", "logDestination": {"bucketName": "logs"}}]}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"subnetId": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::outside"]}, "urn": "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n", "type": "aws:ec2/natGateway:NatGateway", "name": "n", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}, "allocationId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i", "type": "aws:ec2/internetGateway:InternetGateway", "name": "i", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::nodes"], "vpcEndpointId": ["urn:pulumi:prod::app::aws:networkfirewall/firewall:Firewall::f"]}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::nodes", "type": "aws:ec2/route:Route", "name": "nodes", "op": "create", "custom": true, "inputs": {"routeTableId": {"__falaj__": "unknown"}, "destinationCidrBlock": "0.0.0.0/0", "vpcEndpointId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::firewall"], "natGatewayId": ["urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n"]}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::inner", "type": "aws:ec2/route:Route", "name": "inner", "op": "create", "custom": true, "inputs": {"routeTableId": {"__falaj__": "unknown"}, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::outside"], "gatewayId": ["urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i"]}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::outer", "type": "aws:ec2/route:Route", "name": "outer", "op": "create", "custom": true, "inputs": {"routeTableId": {"__falaj__": "unknown"}, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::nodes"], "natGatewayId": ["urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n"]}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::late", "type": "aws:ec2/route:Route", "name": "late", "op": "create", "custom": true, "inputs": {"routeTableId": {"__falaj__": "unknown"}, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_policy_that_ends_connections_alone_and_looks_at_all_packets if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:networkfirewall/firewallPolicy:FirewallPolicy::p"},
		"fail": {"urn:pulumi:prod::app::aws:networkfirewall/firewallPolicy:FirewallPolicy::p": {"what none of its rules names is let through"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:networkfirewall/firewallPolicy:FirewallPolicy::p", "type": "aws:networkfirewall/firewallPolicy:FirewallPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"firewallPolicy": {"statelessDefaultActions": ["aws:forward_to_sfe"], "statelessFragmentDefaultActions": ["aws:forward_to_sfe"], "statefulDefaultActions": ["aws:drop_established"]}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_way_out_of_a_table_that_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/route:Route::late"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/route:Route::late": {"whose way it is is not known before an apply, and no reference says so"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::late", "type": "aws:ec2/route:Route", "name": "late", "op": "create", "custom": true, "inputs": {"routeTableId": {"__falaj__": "unknown"}, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": "nat-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_route_to_a_gateway_that_nobody_knows_yet if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/route:Route::late"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/route:Route::late": {"where it leads is not known before an apply, and no reference says so"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/subnet:Subnet::nodes", "type": "aws:ec2/subnet:Subnet", "name": "nodes", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::nodes", "type": "aws:ec2/routeTable:RouteTable", "name": "nodes", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"subnetId": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::nodes"], "routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::nodes"]}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTableAssociation:RouteTableAssociation::nodes", "type": "aws:ec2/routeTableAssociation:RouteTableAssociation", "name": "nodes", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}, "routeTableId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"routeTableId": ["urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::nodes"]}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::late", "type": "aws:ec2/route:Route", "name": "late", "op": "create", "custom": true, "inputs": {"routeTableId": {"__falaj__": "unknown"}, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

# The subnet of that name with a table of its own.
place(name) := [
	given.resource("aws:ec2/subnet:Subnet", name, {"vpcId": "vpc-1"}),
	given.resource("aws:ec2/routeTable:RouteTable", name, {"vpcId": "vpc-1"}),
	given.referring(
		given.resource("aws:ec2/routeTableAssociation:RouteTableAssociation", name, {"subnetId": given.unknown, "routeTableId": given.unknown}),
		{"subnetId": [["aws:ec2/subnet:Subnet", name]], "routeTableId": [["aws:ec2/routeTable:RouteTable", name]]},
	),
]

route(name, table, inputs) := given.referring(
	given.resource("aws:ec2/route:Route", name, object.union({"routeTableId": given.unknown}, inputs)),
	{"routeTableId": [["aws:ec2/routeTable:RouteTable", table]]},
)

said(fail, unknown) := {"judged": {late}, "fail": {late: why | some why in [{each | some each in fail}]; count(why) > 0}, "unknown": {late: what | some what in [{each | some each in unknown}]; count(what) > 0}}

late := given.urn("aws:ec2/route:Route", "late")

others := {
	"carrierGatewayId": "cagw-1",
	"coreNetworkArn": "arn:aws:networkmanager::111122223333:core-network/c",
	"egressOnlyGatewayId": "eigw-1",
	"gatewayId": "vgw-1",
	"localGatewayId": "lgw-1",
	"natGatewayId": "nat-1",
	"networkInterfaceId": "eni-1",
	"odbNetworkArn": "arn:aws:odb:me-central-1:111122223333:odb-network/o",
	"transitGatewayId": "tgw-1",
	"vpcPeeringConnectionId": "pcx-1",
}

test_denied_every_other_way_to_everywhere if {
	every field, value in others {
		answer == said({"nodes goes out past the firewall"}, set()) with input as given.plan(array.concat(place("nodes"), [route("late", "nodes", {"destinationCidrBlock": "0.0.0.0/0", field: value})]))
	}
}

test_unknown_every_other_way_that_nobody_knows_yet if {
	every field in object.keys(others) | {"vpcEndpointId"} {
		answer == said(set(), {"where it leads is not known before an apply, and no reference says so"}) with input as given.plan(array.concat(place("nodes"), [route("late", "nodes", {"destinationCidrBlock": "0.0.0.0/0", field: given.unknown})]))
	}
}

test_allowed_a_link_to_a_narrow_private_network if {
	every field in (object.keys(others) | {"vpcEndpointId"}) - {"carrierGatewayId", "egressOnlyGatewayId", "natGatewayId"} {
		answer == said(set(), set()) with input as given.plan(array.concat(place("nodes"), [route("late", "nodes", {"destinationCidrBlock": "10.60.0.0/16", field: "id-1"})]))
	}
}

test_denied_a_way_to_the_internet_that_names_a_private_network if {
	every field in ["carrierGatewayId", "egressOnlyGatewayId", "natGatewayId"] {
		answer == said({"nodes goes out past the firewall"}, set()) with input as given.plan(array.concat(place("nodes"), [route("late", "nodes", {"destinationCidrBlock": "10.60.0.0/16", field: "id-1"})]))
	}
}

test_unknown_a_link_to_networks_that_nobody_can_read if {
	every destination in [{"destinationPrefixListId": "pl-1"}, {"destinationIpv6CidrBlock": given.unknown}] {
		answer == said(set(), {"which networks it leads to is not known here, and it goes past the firewall"}) with input as given.plan(array.concat(place("nodes"), [route("late", "nodes", object.union(destination, {"transitGatewayId": "tgw-1"}))]))
	}
}

test_unknown_a_table_that_no_subnet_is_known_to_use if {
	answer == said(set(), {"whose way it is is not known before an apply, and no reference says so"}) with input as given.plan([
		given.resource("aws:ec2/routeTable:RouteTable", "nodes", {"vpcId": "vpc-1"}),
		route("late", "nodes", {"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": "nat-1"}),
	])
}
