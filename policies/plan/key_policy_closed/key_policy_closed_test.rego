package falaj.plan.key_policy_closed_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.key_policy_closed as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_the_account_decides if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {"policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"Use\", \"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"arn:aws:iam::111122223333:root\"}, \"Action\": \"kms:*\", \"Resource\": \"*\"}]}"}),
	])
}

test_denied_everybody if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {given.urn("aws:kms/key:Key", "key"): {"statement Use lets everybody use it"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {"policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"Use\", \"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"kms:*\", \"Resource\": \"*\"}]}"}),
	])
}

test_denied_not_json if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {given.urn("aws:kms/key:Key", "key"): {"the key policy is not a JSON object"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {"policy": "nonsense"}),
	])
}

test_unknown_an_unknown_document if {
	answer == {
		"judged": {given.urn("aws:kms/key:Key", "key")},
		"fail": {},
		"unknown": {given.urn("aws:kms/key:Key", "key"): {"the policy document is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "key", {"policy": given.unknown}),
	])
}

test_denied_a_condition_that_keeps_nobody_out if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:kms/key:Key::k"},
		"fail": {"urn:pulumi:prod::app::aws:kms/key:Key::k": {"statement Open lets everybody use it"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:kms/key:Key", "k", {"policy": `{"Version": "2012-10-17", "Statement": [{"Sid": "Open", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringLike": {"kms:CallerAccount": "*"}}}]}`}),
	])
}
