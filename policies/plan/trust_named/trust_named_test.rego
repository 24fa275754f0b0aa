package falaj.plan.trust_named_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.trust_named as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_service if {
	answer == {
		"judged": {given.urn("aws:iam/role:Role", "role")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/role:Role", "role", {"assumeRolePolicy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"pods.eks.amazonaws.com\"}, \"Action\": [\"sts:AssumeRole\", \"sts:TagSession\"]}]}"}),
	])
}

test_denied_everybody if {
	answer == {
		"judged": {given.urn("aws:iam/role:Role", "role")},
		"fail": {given.urn("aws:iam/role:Role", "role"): {"statement 1 lets everybody take the role"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/role:Role", "role", {"assumeRolePolicy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": [\"sts:AssumeRole\", \"sts:TagSession\"]}]}"}),
	])
}

test_denied_no_trust_at_all if {
	answer == {
		"judged": {given.urn("aws:iam/role:Role", "role")},
		"fail": {given.urn("aws:iam/role:Role", "role"): {"the trust policy is missing or not a JSON object"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/role:Role", "role", {}),
	])
}

test_unknown_an_unknown_document if {
	answer == {
		"judged": {given.urn("aws:iam/role:Role", "role")},
		"fail": {},
		"unknown": {given.urn("aws:iam/role:Role", "role"): {"the policy document is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:iam/role:Role", "role", {"assumeRolePolicy": given.unknown}),
	])
}

test_denied_an_empty_list_of_subjects if {
	answer == {
		"judged": {given.urn("aws:iam/role:Role", "role")},
		"fail": {given.urn("aws:iam/role:Role", "role"): {"statement 1 trusts an outside identity without naming its subject"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/role:Role", "role", {"assumeRolePolicy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Federated\": \"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com\"}, \"Action\": \"sts:AssumeRoleWithWebIdentity\", \"Condition\": {\"StringEquals\": {\"token.actions.githubusercontent.com:sub\": []}}}]}"}),
	])
}

test_denied_a_subject_that_is_null if {
	answer == {
		"judged": {given.urn("aws:iam/role:Role", "role")},
		"fail": {given.urn("aws:iam/role:Role", "role"): {"statement 1 trusts an outside identity without naming its subject"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:iam/role:Role", "role", {"assumeRolePolicy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Federated\": \"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com\"}, \"Action\": \"sts:AssumeRoleWithWebIdentity\", \"Condition\": {\"StringEquals\": {\"token.actions.githubusercontent.com:sub\": null}}}]}"}),
	])
}
