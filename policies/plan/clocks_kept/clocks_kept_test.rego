package falaj.plan.clocks_kept_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.clocks_kept as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_nothing_said if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcDhcpOptions:VpcDhcpOptions::d"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcDhcpOptions:VpcDhcpOptions::d", "type": "aws:ec2/vpcDhcpOptions:VpcDhcpOptions", "name": "d", "op": "create", "custom": true, "inputs": {"domainName": "x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_clock_of_somebody_else_s if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcDhcpOptions:VpcDhcpOptions::d"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpcDhcpOptions:VpcDhcpOptions::d": {"it sets clocks by 10.0.0.1"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcDhcpOptions:VpcDhcpOptions::d", "type": "aws:ec2/vpcDhcpOptions:VpcDhcpOptions", "name": "d", "op": "create", "custom": true, "inputs": {"ntpServers": ["10.0.0.1"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcDhcpOptions:VpcDhcpOptions::d"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/vpcDhcpOptions:VpcDhcpOptions::d": {"what it sets clocks by is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcDhcpOptions:VpcDhcpOptions::d", "type": "aws:ec2/vpcDhcpOptions:VpcDhcpOptions", "name": "d", "op": "create", "custom": true, "inputs": {"ntpServers": [{"__falaj__": "unknown"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
