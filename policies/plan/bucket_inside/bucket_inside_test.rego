package falaj.plan.bucket_inside_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.bucket_inside as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_own_account_and_personal_data_through_the_own_endpoint if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketPolicy:BucketPolicy::d", "type": "aws:s3/bucketPolicy:BucketPolicy", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "policy": "{\"Statement\": [{\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": [\"arn:aws:s3:::d\", \"arn:aws:s3:::d/*\"], \"Condition\": {\"StringNotEquals\": {\"aws:PrincipalAccount\": \"333333333333\"}, \"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"false\"}}}, {\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": [\"s3:GetObject\", \"s3:PutObject\"], \"Resource\": \"arn:aws:s3:::d/*\", \"Condition\": {\"StringNotEquals\": {\"aws:SourceVpce\": [\"vpce-1\"]}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_other_data_from_outside_by_the_own_organisation if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"data-class": "internal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketPolicy:BucketPolicy::d", "type": "aws:s3/bucketPolicy:BucketPolicy", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "policy": "{\"Statement\": [{\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": \"*\", \"Condition\": {\"StringNotEquals\": {\"aws:PrincipalOrgID\": \"o-1\"}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_by_the_address_inside_the_network if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketPolicy:BucketPolicy::d", "type": "aws:s3/bucketPolicy:BucketPolicy", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "policy": "{\"Statement\": [{\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": [\"arn:aws:s3:::d\", \"arn:aws:s3:::d/*\"], \"Condition\": {\"StringNotEquals\": {\"aws:PrincipalAccount\": \"333333333333\"}, \"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"false\"}}}, {\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": \"arn:aws:s3:::*\", \"Condition\": {\"NotIpAddress\": {\"aws:VpcSourceIp\": \"10.0.0.0/16\"}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_policy if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"it holds personal, and no statement denies what comes from outside the network", "no statement denies what comes from another account"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_personal_data_from_anywhere if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"it holds personal, and no statement denies what comes from outside the network"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketPolicy:BucketPolicy::d", "type": "aws:s3/bucketPolicy:BucketPolicy", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "policy": "{\"Statement\": [{\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": [\"arn:aws:s3:::d\", \"arn:aws:s3:::d/*\"], \"Condition\": {\"StringNotEquals\": {\"aws:PrincipalAccount\": \"333333333333\"}, \"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"false\"}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_some_objects_only_writes_only_some_people_only if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"it holds personal, and no statement denies what comes from outside the network", "no statement denies what comes from another account"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketPolicy:BucketPolicy::d", "type": "aws:s3/bucketPolicy:BucketPolicy", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "policy": {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::d/a/*", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "333333333333"}}}, {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": ["arn:aws:s3:::d", "arn:aws:s3:::d/*"], "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}, {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::333333333333:root"}, "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::d/*", "Condition": {"StringNotEquals": {"aws:SourceVpce": ["vpce-1"]}}}]}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_conditions_that_are_never_true_or_narrower if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"it holds personal, and no statement denies what comes from outside the network", "no statement denies what comes from another account"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{
			"property_dependencies": {},
			"urn": "urn:pulumi:prod::app::aws:s3/bucketPolicy:BucketPolicy::d",
			"type": "aws:s3/bucketPolicy:BucketPolicy",
			"name": "d",
			"op": "create",
			"custom": true,
			"inputs": {
				"bucket": "d",
				"policy": {
					"Statement": [
						{
							"Effect": "Deny",
							"Principal": "*",
							"Action": "s3:*",
							"Resource": [
								"arn:aws:s3:::d",
								"arn:aws:s3:::d/*",
							],
							"Condition": {
								"StringNotEquals": {
									"aws:PrincipalAccount": "*",
								},
							},
						},
						{
							"Effect": "Deny",
							"Principal": "*",
							"Action": "s3:*",
							"Resource": [
								"arn:aws:s3:::d",
								"arn:aws:s3:::d/*",
							],
							"Condition": {
								"StringNotEquals": {
									"aws:SourceVpce": "vpce-1",
								},
								"StringEquals": {
									"aws:PrincipalTag/team": "x",
								},
							},
						},
						{
							"Effect": "Deny",
							"Principal": "*",
							"Action": "s3:*",
							"Resource": [
								"arn:aws:s3:::d",
								"arn:aws:s3:::d/*",
							],
							"Condition": {
								"NotIpAddress": {
									"aws:VpcSourceIp": "0.0.0.0/0",
								},
							},
						},
						{
							"Effect": "Deny",
							"Principal": "*",
							"Action": "s3:*",
							"Resource": [
								"arn:aws:s3:::d",
								"arn:aws:s3:::d/*",
							],
							"Condition": {
								"StringEquals": {
									"aws:SourceVpc": "vpc-1",
								},
							},
						},
					],
				},
			},
			"provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::",
		},
	])
}

test_denied_an_empty_list if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"no statement denies what comes from another account"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"data-class": "internal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketPolicy:BucketPolicy::d", "type": "aws:s3/bucketPolicy:BucketPolicy", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "policy": "{\"Statement\": [{\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": [\"arn:aws:s3:::d\", \"arn:aws:s3:::d/*\"], \"Condition\": {\"StringNotEquals\": {\"aws:PrincipalAccount\": []}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_policy_that_nobody_can_read if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"the policy document is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketPolicy:BucketPolicy::d", "type": "aws:s3/bucketPolicy:BucketPolicy", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "policy": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_policy_of_some_bucket if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"a bucket policy does not say yet which bucket it belongs to"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"data-class": "personal"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketPolicy:BucketPolicy::d", "type": "aws:s3/bucketPolicy:BucketPolicy", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": {"__falaj__": "unknown"}, "policy": "{\"Statement\": [{\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": [\"arn:aws:s3:::d\", \"arn:aws:s3:::d/*\"], \"Condition\": {\"StringNotEquals\": {\"aws:PrincipalAccount\": \"333333333333\"}, \"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"false\"}}}, {\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": [\"s3:GetObject\", \"s3:PutObject\"], \"Resource\": \"arn:aws:s3:::d/*\", \"Condition\": {\"StringNotEquals\": {\"aws:SourceVpce\": [\"vpce-1\"]}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_bucket_of_some_class if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::d": {"its tags are not known before an apply, so nobody can say what it holds"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::d", "type": "aws:s3/bucket:Bucket", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "tags": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucketPolicy:BucketPolicy::d", "type": "aws:s3/bucketPolicy:BucketPolicy", "name": "d", "op": "create", "custom": true, "inputs": {"bucket": "d", "policy": "{\"Statement\": [{\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": [\"arn:aws:s3:::d\", \"arn:aws:s3:::d/*\"], \"Condition\": {\"StringNotEquals\": {\"aws:PrincipalAccount\": \"333333333333\"}, \"BoolIfExists\": {\"aws:PrincipalIsAWSService\": \"false\"}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_services_are_spared_in_a_list if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "p", {"bucket": "logs", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "333333333333"}, "BoolIfExists": {"aws:PrincipalIsAWSService": ["false"], "aws:ViaAWSService": "false"}}}]}`}),
	])
}

test_denied_services_alone_are_kept_out if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"no statement denies what comes from another account"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "p", {"bucket": "logs", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "333333333333"}, "Bool": {"aws:PrincipalIsAWSService": "true"}}}]}`}),
	])
}

test_denied_what_is_said_of_services_is_no_question_of_true_or_false if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"no statement denies what comes from another account"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "p", {"bucket": "logs", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "333333333333"}, "StringEquals": {"aws:ViaAWSService": "false"}}}]}`}),
	])
}
