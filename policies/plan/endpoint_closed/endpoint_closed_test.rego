package falaj.plan.endpoint_closed_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.endpoint_closed as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_an_interface if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "e", "op": "create", "custom": true, "inputs": {"vpcEndpointType": "Interface", "privateDnsEnabled": true, "securityGroupIds": [{"__falaj__": "unknown"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_names_that_lead_outside_for_anybody if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e": {"it names no security group, so the network's default decides", "private DNS is off, so the service's name still leads outside"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "e", "op": "create", "custom": true, "inputs": {"vpcEndpointType": "Interface", "privateDnsEnabled": false}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_an_unknown_policy if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e": {"the policy document is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "e", "op": "create", "custom": true, "inputs": {"policy": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_gateway_for_one_account if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "e", "op": "create", "custom": true, "inputs": {"policy": "{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"*\", \"Resource\": \"*\", \"Condition\": {\"StringEquals\": {\"aws:PrincipalAccount\": \"111122223333\"}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_gateway_to_one_bucket_of_the_provider_s if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "e", "op": "create", "custom": true, "inputs": {"policy": "{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": [\"s3:GetObject\"], \"Resource\": [\"arn:aws:s3:::prod-me-central-1-starport-layer-bucket/*\"]}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_gateway_for_every_account if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e": {"statement 1 lets every account through"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "e", "op": "create", "custom": true, "inputs": {"policy": "{\"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"*\", \"Resource\": \"*\"}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_gateway_without_a_policy if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e": {"a gateway without a policy lets every account's data through"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "e", "op": "create", "custom": true, "inputs": {"vpcEndpointType": "Gateway"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_an_unknown_name if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e": {"privateDnsEnabled is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "e", "op": "create", "custom": true, "inputs": {"vpcEndpointType": "Interface", "privateDnsEnabled": {"__falaj__": "unknown"}, "securityGroupIds": ["sg-1"]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_everything_in_other_words_and_all_but_some if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::a", "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::b", "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::c", "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::d"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::a": {"statement 1 lets every account through"}, "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::b": {"statement 1 lets every account through"}, "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::c": {"statement 1 lets every account through"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "a", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::*"}]}`}),
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "b", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": ["arn:aws:s3:::x", "**"]}]}`}),
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "c", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "NotResource": "arn:aws:s3:::x"}]}`}),
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "d", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::x/*"}]}`}),
	])
}

test_denied_conditions_that_keep_nobody_out if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::a", "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::b", "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::c", "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::d", "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e", "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::f", "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::g", "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::h", "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::i"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::a": {"statement 1 lets every account through"}, "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::b": {"statement 1 lets every account through"}, "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::c": {"statement 1 lets every account through"}, "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::d": {"statement 1 lets every account through"}, "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::e": {"statement 1 lets every account through"}, "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::f": {"statement 1 lets every account through"}, "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::g": {"statement 1 lets every account through"}, "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::h": {"statement 1 lets every account through"}, "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::i": {"statement 1 lets every account through"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "a", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}]}`}),
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "b", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "999999999999"}}}]}`}),
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "c", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}}]}`}),
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "d", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"ForAllValues:StringEquals": {"aws:PrincipalAccount": "333333333333"}}}]}`}),
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "e", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"StringLike": {"aws:PrincipalAccount": ["333333333333", "*"]}}}]}`}),
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "f", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"Null": {"aws:PrincipalAccount": "false"}}}]}`}),
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "g", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}}]}`}),
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "h", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": []}}}]}`}),
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "i", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:Referer": "https://example.com"}}}]}`}),
	])
}

test_allowed_one_condition_of_several_that_keeps_others_out if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::a"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpcEndpoint:VpcEndpoint", "a", {"vpcEndpointType": "Gateway", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": "333333333333"}, "Bool": {"aws:SecureTransport": "true"}}}]}`}),
	])
}
