package falaj.plan.iam_wildcards_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.iam_wildcards as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_named_actions_on_named_things if {
	answer == {
		"judged": {given.urn("aws:iam/policy:Policy", "policy")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/policy:Policy", "policy", {"policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"Read\", \"Effect\": \"Allow\", \"Action\": [\"s3:GetObject\"], \"Resource\": [\"arn:aws:s3:::falaj-data/*\"]}]}"}),
	])
}

test_denied_a_whole_service_on_everything if {
	answer == {
		"judged": {given.urn("aws:iam/policy:Policy", "policy")},
		"fail": {given.urn("aws:iam/policy:Policy", "policy"): {"statement Read allows all of ecr:* on everything"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/policy:Policy", "policy", {"policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"Read\", \"Effect\": \"Allow\", \"Action\": \"ecr:*\", \"Resource\": \"*\"}]}"}),
	])
}

test_denied_administrator if {
	answer == {
		"judged": {given.urn("aws:iam/role:Role", "role"), given.urn("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "admin")},
		"fail": {given.urn("aws:iam/role:Role", "role"): {"it attaches arn:aws:iam::aws:policy/AmazonS3FullAccess"}, given.urn("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "admin"): {"it attaches arn:aws:iam::aws:policy/AdministratorAccess"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "admin", {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
		given.resource("aws:iam/role:Role", "role", {"managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]}),
	])
}

test_unknown_an_unknown_document if {
	answer == {
		"judged": {given.urn("aws:iam/policy:Policy", "policy")},
		"fail": {},
		"unknown": {given.urn("aws:iam/policy:Policy", "policy"): {"the policy document is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:iam/policy:Policy", "policy", {"policy": given.unknown}),
	])
}

test_denied_everything_in_other_words if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:iam/rolePolicy:RolePolicy::a", "urn:pulumi:prod::app::aws:iam/rolePolicy:RolePolicy::b", "urn:pulumi:prod::app::aws:iam/rolePolicy:RolePolicy::c", "urn:pulumi:prod::app::aws:iam/rolePolicy:RolePolicy::d", "urn:pulumi:prod::app::aws:iam/rolePolicy:RolePolicy::e", "urn:pulumi:prod::app::aws:iam/rolePolicy:RolePolicy::f"},
		"fail": {"urn:pulumi:prod::app::aws:iam/rolePolicy:RolePolicy::a": {"statement 1 allows s3:GetObject on everything"}, "urn:pulumi:prod::app::aws:iam/rolePolicy:RolePolicy::b": {"statement 1 allows kms:Decrypt on everything"}, "urn:pulumi:prod::app::aws:iam/rolePolicy:RolePolicy::c": {"statement 1 allows all of ec2:** on everything"}, "urn:pulumi:prod::app::aws:iam/rolePolicy:RolePolicy::d": {"statement 1 allows everything"}, "urn:pulumi:prod::app::aws:iam/rolePolicy:RolePolicy::e": {"statement 1 allows all of ec2:* on everything"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/rolePolicy:RolePolicy", "a", {"policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::*/*"}]}`}),
		given.resource("aws:iam/rolePolicy:RolePolicy", "b", {"policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:*"}]}`}),
		given.resource("aws:iam/rolePolicy:RolePolicy", "c", {"policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:**", "Resource": "**"}]}`}),
		given.resource("aws:iam/rolePolicy:RolePolicy", "d", {"policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "?*", "Resource": "arn:aws:s3:::x"}]}`}),
		given.resource("aws:iam/rolePolicy:RolePolicy", "e", {"policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "arn:aws:ec2:*:*:*"}]}`}),
		given.resource("aws:iam/rolePolicy:RolePolicy", "f", {"policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::x/*"}]}`}),
	])
}

test_denied_all_but_some_resources if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:iam/policy:Policy::p"},
		"fail": {"urn:pulumi:prod::app::aws:iam/policy:Policy::p": {"statement 1 allows all but what it names (NotResource)"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/policy:Policy", "p", {"policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "NotResource": "arn:aws:sqs:me-central-1:333333333333:q"}]}`}),
	])
}
