package falaj.plan.rbac_narrow_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.rbac_narrow as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_narrow_role_for_a_group if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators"), given.urn("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators", {"metadata": {"name": "operators"}, "rules": [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list"]}]}),
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operators"}, "subjects": [{"kind": "Group", "name": "falaj:operators"}]}),
	])
}

test_allowed_a_service_account_named_later if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operators"}, "subjects": [{"kind": "ServiceAccount", "name": given.unknown, "namespace": "training"}]}),
	])
}

test_denied_every_verb if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators")},
		"fail": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators"): {"a rule permits every verb"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators", {"metadata": {"name": "operators"}, "rules": [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["*"]}]}),
	])
}

test_denied_every_resource_of_every_group if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators")},
		"fail": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators"): {"a rule permits every group", "a rule permits every resource"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators", {"metadata": {"name": "operators"}, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}]}),
	])
}

test_denied_a_role_that_grants_more if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators")},
		"fail": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators"): {"a rule permits to impersonate, by which anybody can gain more"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators", {"metadata": {"name": "operators"}, "rules": [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["impersonate"]}]}),
	])
}

test_denied_all_secrets if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", "operators")},
		"fail": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", "operators"): {"it reads the secrets of every namespace"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", "operators", {"metadata": {"name": "operators"}, "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]}),
	])
}

test_denied_an_administrator if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", "operators")},
		"fail": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", "operators"): {"it makes somebody administrator of the cluster"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", "operators", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}, "subjects": [{"kind": "Group", "name": "g"}]}),
	])
}

test_denied_everybody if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators")},
		"fail": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators"): {"it binds system:authenticated, which is everybody"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operators"}, "subjects": [{"kind": "Group", "name": "system:authenticated"}]}),
	])
}

test_unknown_rules_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators")},
		"fail": {},
		"unknown": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators"): {"what it permits is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:Role", "operators", {"metadata": {"name": "operators"}, "rules": [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": given.unknown}]}),
	])
}

test_unknown_a_role_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators")},
		"fail": {},
		"unknown": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators"): {"the role it binds is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": given.unknown}, "subjects": [{"kind": "Group", "name": "g"}]}),
	])
}

test_unknown_a_group_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators")},
		"fail": {},
		"unknown": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators"): {"whom it binds is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operators"}, "subjects": [{"kind": "Group", "name": given.unknown}]}),
	])
}

test_unknown_subjects_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators")},
		"fail": {},
		"unknown": {given.urn("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators"): {"whom it binds is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "operators", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operators"}, "subjects": given.unknown}),
	])
}
