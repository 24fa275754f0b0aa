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

test_allowed_user_data_about_other_things if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::b", "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a", "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::c"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "a", "op": "create", "custom": true, "inputs": {"userData": "W3NldHRpbmdzLmt1YmVybmV0ZXNdCm1heC1wb2RzID0gNTgK"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/instance:Instance::b", "type": "aws:ec2/instance:Instance", "name": "b", "op": "create", "custom": true, "inputs": {"userData": "#!/bin/sh\necho hello"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::c", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "c", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_schedule_with_its_zone_and_one_that_never_runs if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::a", "urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::a", "type": "kubernetes:batch/v1:CronJob", "name": "a", "op": "create", "custom": true, "inputs": {"spec": {"timeZone": "Asia/Dubai", "schedule": "0 1 * * *"}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::b", "type": "kubernetes:batch/v1:CronJob", "name": "b", "op": "create", "custom": true, "inputs": {"spec": {"suspend": true}}},
	])
}

test_denied_user_data_that_sets_clocks_in_base64_however_it_lies if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a", "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::b", "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::c"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a": {"its user data sets clocks"}, "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::b": {"its user data sets clocks"}, "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::c": {"its user data sets clocks"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "a", "op": "create", "custom": true, "inputs": {"userData": "W3NldHRpbmdzLm50cF0KdGltZS1zZXJ2ZXJzID0gWydwb29sLm50cC5vcmcnXQo="}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::b", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "b", "op": "create", "custom": true, "inputs": {"userData": "IGFwdCBpbnN0YWxsIGNocm9ueQ=="}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::c", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "c", "op": "create", "custom": true, "inputs": {"userData": "OyB0aW1lZGF0ZWN0bCBzZXQtbnRwIGZhbHNl"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_user_data_that_sets_clocks_in_plain_text if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::a", "urn:pulumi:prod::app::aws:ec2/instance:Instance::b"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/instance:Instance::a": {"its user data sets clocks"}, "urn:pulumi:prod::app::aws:ec2/instance:Instance::b": {"its user data sets clocks"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/instance:Instance::a", "type": "aws:ec2/instance:Instance", "name": "a", "op": "create", "custom": true, "inputs": {"userData": "#!/bin/sh\nsystemctl start NTPD"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/instance:Instance::b", "type": "aws:ec2/instance:Instance", "name": "b", "op": "create", "custom": true, "inputs": {"userDataBase64": "eCBudHAuY29uZg=="}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_schedule_of_no_zone if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::a", "urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::b"},
		"fail": {"urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::a": {"it does not say in which time zone it runs"}, "urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::b": {"it does not say in which time zone it runs"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::a", "type": "kubernetes:batch/v1:CronJob", "name": "a", "op": "create", "custom": true, "inputs": {"spec": {"schedule": "0 1 * * *"}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::b", "type": "kubernetes:batch/v1:CronJob", "name": "b", "op": "create", "custom": true, "inputs": {"spec": {"suspend": false, "timeZone": ""}}},
	])
}

test_unknown_user_data_that_nobody_can_read if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a", "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::b", "urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::c"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a": {"its user data is not known before an apply"}, "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::b": {"its user data is packed, and nobody can say what it sets"}, "urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::c": {"its time zone is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::a", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "a", "op": "create", "custom": true, "inputs": {"userData": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/launchTemplate:LaunchTemplate::b", "type": "aws:ec2/launchTemplate:LaunchTemplate", "name": "b", "op": "create", "custom": true, "inputs": {"userData": "H4sIAAAAAAAAA"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:batch/v1:CronJob::c", "type": "kubernetes:batch/v1:CronJob", "name": "c", "op": "create", "custom": true, "inputs": {"spec": {"timeZone": {"__falaj__": "unknown"}}}},
	])
}
