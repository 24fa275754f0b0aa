package falaj.plan.endpoints_there_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.endpoints_there as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_all_that_are_needed if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v", "type": "aws:ec2/vpc:Vpc", "name": "v", "op": "create", "custom": true, "inputs": {"cidrBlock": "10.0.0.0/16"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::s3", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "s3", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.s3", "vpcEndpointType": "Gateway"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-api", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-api", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.api", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-dkr", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-dkr", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.dkr", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::eks-auth", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "eks-auth", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.eks-auth", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::kms", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "kms", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.kms", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::logs", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "logs", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.logs", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::sts", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "sts", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.sts", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_a_gateway_is_what_an_endpoint_is_that_says_nothing if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v", "type": "aws:ec2/vpc:Vpc", "name": "v", "op": "create", "custom": true, "inputs": {"cidrBlock": "10.0.0.0/16"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::s3", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "s3", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.s3"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-api", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-api", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.api", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-dkr", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-dkr", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.dkr", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::eks-auth", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "eks-auth", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.eks-auth", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::kms", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "kms", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.kms", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::logs", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "logs", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.logs", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::sts", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "sts", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.sts", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_endpoint_at_all if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v": {"it has no endpoint of type Gateway for s3", "it has no endpoint of type Interface for ecr.api", "it has no endpoint of type Interface for ecr.dkr", "it has no endpoint of type Interface for eks-auth", "it has no endpoint of type Interface for kms", "it has no endpoint of type Interface for logs", "it has no endpoint of type Interface for sts"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v", "type": "aws:ec2/vpc:Vpc", "name": "v", "op": "create", "custom": true, "inputs": {"cidrBlock": "10.0.0.0/16"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_the_object_store_by_an_interface_and_no_key_service if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v": {"it has no endpoint of type Gateway for s3", "it has no endpoint of type Interface for kms"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v", "type": "aws:ec2/vpc:Vpc", "name": "v", "op": "create", "custom": true, "inputs": {"cidrBlock": "10.0.0.0/16"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::s3", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "s3", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.s3", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-api", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-api", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.api", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-dkr", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-dkr", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.dkr", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::eks-auth", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "eks-auth", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.eks-auth", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::logs", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "logs", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.logs", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::sts", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "sts", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.sts", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_one_missing_in_a_second_network if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v", "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::w"},
		"fail": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::w": {"it has no endpoint of type Gateway for s3", "it has no endpoint of type Interface for ecr.api", "it has no endpoint of type Interface for ecr.dkr", "it has no endpoint of type Interface for eks-auth", "it has no endpoint of type Interface for kms", "it has no endpoint of type Interface for logs", "it has no endpoint of type Interface for sts"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v", "type": "aws:ec2/vpc:Vpc", "name": "v", "op": "create", "custom": true, "inputs": {"cidrBlock": "10.0.0.0/16"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::s3", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "s3", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.s3", "vpcEndpointType": "Gateway"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-api", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-api", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.api", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-dkr", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-dkr", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.dkr", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::eks-auth", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "eks-auth", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.eks-auth", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::kms", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "kms", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.kms", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::logs", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "logs", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.logs", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::sts", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "sts", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.sts", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::w", "type": "aws:ec2/vpc:Vpc", "name": "w", "op": "create", "custom": true, "inputs": {"cidrBlock": "10.1.0.0/16"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_an_endpoint_for_something if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v": {"whether it has an endpoint of type Interface for sts is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v", "type": "aws:ec2/vpc:Vpc", "name": "v", "op": "create", "custom": true, "inputs": {"cidrBlock": "10.0.0.0/16"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::s3", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "s3", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.s3", "vpcEndpointType": "Gateway"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-api", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-api", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.api", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-dkr", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-dkr", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.dkr", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::eks-auth", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "eks-auth", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.eks-auth", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::kms", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "kms", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.kms", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::logs", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "logs", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.logs", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::x", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "x", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": {"__falaj__": "unknown"}, "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_an_endpoint_of_some_network if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v": {"whether it has an endpoint of type Interface for sts is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v", "type": "aws:ec2/vpc:Vpc", "name": "v", "op": "create", "custom": true, "inputs": {"cidrBlock": "10.0.0.0/16"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::s3", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "s3", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.s3", "vpcEndpointType": "Gateway"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-api", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-api", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.api", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::ecr-dkr", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "ecr-dkr", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.ecr.dkr", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::eks-auth", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "eks-auth", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.eks-auth", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::kms", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "kms", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.kms", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"vpcId": ["urn:pulumi:prod::app::aws:ec2/vpc:Vpc::v"]}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::logs", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "logs", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.logs", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:ec2/vpcEndpoint:VpcEndpoint::x", "type": "aws:ec2/vpcEndpoint:VpcEndpoint", "name": "x", "op": "create", "custom": true, "inputs": {"vpcId": {"__falaj__": "unknown"}, "serviceName": "com.amazonaws.me-central-1.sts", "vpcEndpointType": "Interface"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
