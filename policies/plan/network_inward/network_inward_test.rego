package falaj.plan.network_inward_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.network_inward as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_tables_without_a_way_out if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/defaultRouteTable:DefaultRouteTable::c", "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::a", "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::a", "type": "aws:ec2/routeTable:RouteTable", "name": "a", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::b", "type": "aws:ec2/routeTable:RouteTable", "name": "b", "op": "create", "custom": true, "inputs": {"routes": [{"cidrBlock": "10.1.0.0/16", "vpcPeeringConnectionId": "pcx-1"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/defaultRouteTable:DefaultRouteTable::c", "type": "aws:ec2/defaultRouteTable:DefaultRouteTable", "name": "c", "op": "create", "custom": true, "inputs": {"routes": []}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_route_to_a_network_of_ours_and_a_private_gateway if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::c", "urn:pulumi:prod::app::aws:ec2/route:Route::a", "urn:pulumi:prod::app::aws:ec2/route:Route::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::a", "type": "aws:ec2/route:Route", "name": "a", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": "10.1.0.0/16", "transitGatewayId": "tgw-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::b", "type": "aws:ec2/route:Route", "name": "b", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": "10.2.0.0/16", "gatewayId": "vgw-1", "destinationPrefixListId": ""}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::c", "type": "aws:ec2/natGateway:NatGateway", "name": "c", "op": "create", "custom": true, "inputs": {"connectivityType": "private"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_gateways_to_the_internet if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway::c", "urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::a", "urn:pulumi:prod::app::aws:ec2/internetGatewayAttachment:InternetGatewayAttachment::b", "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::d", "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::e"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway::c": {"it joins a network to the internet"}, "urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::a": {"it joins a network to the internet"}, "urn:pulumi:prod::app::aws:ec2/internetGatewayAttachment:InternetGatewayAttachment::b": {"it joins a network to the internet"}, "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::d": {"it joins a network to the internet"}, "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::e": {"it joins a network to the internet"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::a", "type": "aws:ec2/internetGateway:InternetGateway", "name": "a", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/internetGatewayAttachment:InternetGatewayAttachment::b", "type": "aws:ec2/internetGatewayAttachment:InternetGatewayAttachment", "name": "b", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway::c", "type": "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway", "name": "c", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::d", "type": "aws:ec2/natGateway:NatGateway", "name": "d", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::e", "type": "aws:ec2/natGateway:NatGateway", "name": "e", "op": "create", "custom": true, "inputs": {"connectivityType": "public"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_route_to_a_network_that_is_none if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/route:Route::a"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/route:Route::a": {"it leads to true"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::a", "type": "aws:ec2/route:Route", "name": "a", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_route_to_everywhere if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/route:Route::a", "urn:pulumi:prod::app::aws:ec2/route:Route::b"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/route:Route::a": {"it leads to 0.0.0.0/0"}, "urn:pulumi:prod::app::aws:ec2/route:Route::b": {"it leads to ::/0"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::a", "type": "aws:ec2/route:Route", "name": "a", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": "nat-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::b", "type": "aws:ec2/route:Route", "name": "b", "op": "create", "custom": true, "inputs": {"destinationIpv6CidrBlock": "::/0"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_tables_with_a_way_out if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/defaultRouteTable:DefaultRouteTable::b", "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::a"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/defaultRouteTable:DefaultRouteTable::b": {"it leads to ::/0"}, "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::a": {"it leads through internet gateway igw-1"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::a", "type": "aws:ec2/routeTable:RouteTable", "name": "a", "op": "create", "custom": true, "inputs": {"routes": [{"cidrBlock": "52.0.0.0/10", "gatewayId": "igw-1"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/defaultRouteTable:DefaultRouteTable::b", "type": "aws:ec2/defaultRouteTable:DefaultRouteTable", "name": "b", "op": "create", "custom": true, "inputs": {"routes": [{"ipv6CidrBlock": "::/0"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_ways_to_somewhere if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/route:Route::a", "urn:pulumi:prod::app::aws:ec2/route:Route::c", "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::b"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/route:Route::a": {"where it leads is not known before an apply"}, "urn:pulumi:prod::app::aws:ec2/route:Route::c": {"where it leads is not known before an apply"}, "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::b": {"where it leads is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::a", "type": "aws:ec2/route:Route", "name": "a", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/routeTable:RouteTable::b", "type": "aws:ec2/routeTable:RouteTable", "name": "b", "op": "create", "custom": true, "inputs": {"routes": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::c", "type": "aws:ec2/route:Route", "name": "c", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": "10.1.0.0/16", "gatewayId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_gateway_of_either_kind if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::a": {"whether it joins a network to the internet is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::a", "type": "aws:ec2/natGateway:NatGateway", "name": "a", "op": "create", "custom": true, "inputs": {"connectivityType": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

# Where two people signed for a domain.
signed(resources) := object.union(given.plan(resources), {"parameters": {"network": {"egress_domains": ["hub.example.org"]}}})

test_allowed_a_way_out_through_a_firewall_that_somebody_signed_for if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i", "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n", "urn:pulumi:prod::app::aws:ec2/route:Route::r", "urn:pulumi:prod::app::aws:ec2/route:Route::s"},
		"fail": {},
		"unknown": {},
	} with input as signed([
		{"property_dependencies": {"subnetMappings": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::firewall"]}, "urn": "urn:pulumi:prod::app::aws:networkfirewall/firewall:Firewall::f", "type": "aws:networkfirewall/firewall:Firewall", "name": "f", "op": "create", "custom": true, "inputs": {"name": "f", "subnetMappings": [{"subnetId": {"__falaj__": "unknown"}}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i", "type": "aws:ec2/internetGateway:InternetGateway", "name": "i", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n", "type": "aws:ec2/natGateway:NatGateway", "name": "n", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::r", "type": "aws:ec2/route:Route", "name": "r", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": "nat-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::s", "type": "aws:ec2/route:Route", "name": "s", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_the_same_without_a_firewall if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i", "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n", "urn:pulumi:prod::app::aws:ec2/route:Route::r", "urn:pulumi:prod::app::aws:ec2/route:Route::s"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i": {"it joins a network to the internet"}, "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n": {"it joins a network to the internet"}, "urn:pulumi:prod::app::aws:ec2/route:Route::r": {"it leads to 0.0.0.0/0"}, "urn:pulumi:prod::app::aws:ec2/route:Route::s": {"it leads through internet gateway igw-1", "it leads to 0.0.0.0/0"}},
		"unknown": {},
	} with input as signed([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i", "type": "aws:ec2/internetGateway:InternetGateway", "name": "i", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n", "type": "aws:ec2/natGateway:NatGateway", "name": "n", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::r", "type": "aws:ec2/route:Route", "name": "r", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": "nat-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::s", "type": "aws:ec2/route:Route", "name": "s", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_the_same_that_nobody_signed_for if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i", "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n", "urn:pulumi:prod::app::aws:ec2/route:Route::r", "urn:pulumi:prod::app::aws:ec2/route:Route::s"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i": {"it joins a network to the internet"}, "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n": {"it joins a network to the internet"}, "urn:pulumi:prod::app::aws:ec2/route:Route::r": {"it leads to 0.0.0.0/0"}, "urn:pulumi:prod::app::aws:ec2/route:Route::s": {"it leads through internet gateway igw-1", "it leads to 0.0.0.0/0"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"subnetMappings": ["urn:pulumi:prod::app::aws:ec2/subnet:Subnet::firewall"]}, "urn": "urn:pulumi:prod::app::aws:networkfirewall/firewall:Firewall::f", "type": "aws:networkfirewall/firewall:Firewall", "name": "f", "op": "create", "custom": true, "inputs": {"name": "f", "subnetMappings": [{"subnetId": {"__falaj__": "unknown"}}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/internetGateway:InternetGateway::i", "type": "aws:ec2/internetGateway:InternetGateway", "name": "i", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/natGateway:NatGateway::n", "type": "aws:ec2/natGateway:NatGateway", "name": "n", "op": "create", "custom": true, "inputs": {"subnetId": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::r", "type": "aws:ec2/route:Route", "name": "r", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": "nat-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/route:Route::s", "type": "aws:ec2/route:Route", "name": "s", "op": "create", "custom": true, "inputs": {"destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_table_that_a_vpn_gateway_tells_routes if {
	answer == {
		"judged": {given.urn("aws:ec2/routeTable:RouteTable", "a")},
		"fail": {given.urn("aws:ec2/routeTable:RouteTable", "a"): {"it takes on whatever routes a VPN gateway tells it"}},
		"unknown": {},
	} with input as given.plan([given.resource("aws:ec2/routeTable:RouteTable", "a", {"propagatingVgws": ["vgw-1"]})])
}

test_unknown_a_way_to_a_list_of_networks if {
	answer == {
		"judged": {given.urn("aws:ec2/route:Route", "a")},
		"fail": {},
		"unknown": {given.urn("aws:ec2/route:Route", "a"): {"where it leads is a list of networks that nobody reads here"}},
	} with input as given.plan([given.resource("aws:ec2/route:Route", "a", {"destinationPrefixListId": "pl-1", "transitGatewayId": "tgw-1"})])
}
