package falaj.plan.network_logged_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.network_logged as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_all_traffic_joined_by_reference if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "name": "net", "op": "create", "custom": true, "inputs": {"cidrBlock": "10.0.0.0/16"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"]}, "urn": "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::log", "type": "aws:ec2/flowLog:FlowLog", "name": "log", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "trafficType": "ALL"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_nothing_records_it if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net": {"no flow log records its traffic"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "name": "net", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_log_from_nowhere if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net": {"a flow log does not say yet which network it records"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "name": "net", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::log", "type": "aws:ec2/flowLog:FlowLog", "name": "log", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "trafficType": "ALL"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_refused_traffic_only if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net": {"its flow log records REJECT traffic only"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "name": "net", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"]}, "urn": "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::log", "type": "aws:ec2/flowLog:FlowLog", "name": "log", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "trafficType": "REJECT"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_the_log_of_another_network if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net": {"no flow log records its traffic"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "name": "net", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::log", "type": "aws:ec2/flowLog:FlowLog", "name": "log", "op": "create", "custom": true, "inputs": {"vpcId": "vpc-0123", "trafficType": "ALL"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_nobody_knows_which_traffic if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net": {"which traffic its flow log records is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net", "type": "aws:ec2/vpc:Vpc", "name": "net", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::net"]}, "urn": "urn:pulumi:prod::app::aws:ec2/flowLog:FlowLog::log", "type": "aws:ec2/flowLog:FlowLog", "name": "log", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "trafficType": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
