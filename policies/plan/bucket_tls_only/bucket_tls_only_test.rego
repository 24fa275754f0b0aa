package falaj.plan.bucket_tls_only_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.bucket_tls_only as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_policy_as_text if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "policy", {"bucket": "falaj-data", "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"TlsOnly\", \"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": [\"arn:aws:s3:::falaj-data\", \"arn:aws:s3:::falaj-data/*\"], \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}]}"}),
	])
}

test_denied_no_policy if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "data"): {"no bucket policy belongs to this bucket"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
	])
}

test_denied_open_to_everybody if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "data"): {"statement Open lets everybody in"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "policy", {"bucket": "falaj-data", "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"TlsOnly\", \"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": [\"arn:aws:s3:::falaj-data\", \"arn:aws:s3:::falaj-data/*\"], \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}, {\"Sid\": \"Open\", \"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"s3:GetObject\", \"Resource\": \"arn:aws:s3:::falaj-data/*\"}]}"}),
	])
}

test_unknown_an_unknown_document if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {},
		"unknown": {given.urn("aws:s3/bucket:Bucket", "data"): {"the policy document is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "policy", {"bucket": "falaj-data", "policy": given.unknown}),
	])
}

test_allowed_false_in_a_list if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "p", {"bucket": "logs", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], "Condition": {"BoolIfExists": {"aws:SecureTransport": ["false"]}}}]}`}),
	])
}

test_denied_only_of_one_account_is_tls_asked if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"no statement denies requests without TLS on the bucket and all its objects"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "p", {"bucket": "logs", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalAccount": "999999999999"}}}]}`}),
	])
}

test_denied_tls_and_its_absence_are_denied_together if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"no statement denies requests without TLS on the bucket and all its objects"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "p", {"bucket": "logs", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], "Condition": {"Bool": {"aws:SecureTransport": ["false", "true"]}}}]}`}),
	])
}

test_denied_a_condition_that_is_no_question_of_true_or_false if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"no statement denies requests without TLS on the bucket and all its objects"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "p", {"bucket": "logs", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], "Condition": {"StringEquals": {"aws:SecureTransport": "false"}}}]}`}),
	])
}

test_denied_open_to_everybody_who_comes_over_tls if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b": {"statement Open lets everybody in"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "p", {"bucket": "logs", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}, {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}]}`}),
	])
}

test_allowed_open_to_one_account_on_a_condition if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"bucket": "logs"}),
		given.resource("aws:s3/bucketPolicy:BucketPolicy", "p", {"bucket": "logs", "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}, {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*", "Condition": {"StringEquals": {"aws:PrincipalAccount": "333333333333"}, "Bool": {"aws:SecureTransport": "true"}}}]}`}),
	])
}
