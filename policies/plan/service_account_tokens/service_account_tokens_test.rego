package falaj.plan.service_account_tokens_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.service_account_tokens as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_neither_pod_nor_account if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:core/v1:ServiceAccount", "serve")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}], "automountServiceAccountToken": false}}}}),
		given.resource("kubernetes:core/v1:ServiceAccount", "serve", {"metadata": {"name": "serve"}, "automountServiceAccountToken": false}),
	])
}

test_denied_nothing_is_said if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:core/v1:ServiceAccount", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"its pods are given a token of the cluster"}, given.urn("kubernetes:core/v1:ServiceAccount", "serve"): {"it gives its token to every pod that uses it"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:core/v1:ServiceAccount", "serve", {"metadata": {"name": "serve"}}),
	])
}

test_denied_asked_for if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"its pods are given a token of the cluster"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}], "automountServiceAccountToken": true}}}}),
	])
}

test_denied_no_pod_at_all if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"it has no pod"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"spec": {}}),
	])
}

test_unknown_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:core/v1:ServiceAccount", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"whether its pods are given a token is not known before an apply"}, given.urn("kubernetes:core/v1:ServiceAccount", "serve"): {"whether it gives its token away is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}], "automountServiceAccountToken": given.unknown}}}}),
		given.resource("kubernetes:core/v1:ServiceAccount", "serve", {"automountServiceAccountToken": given.unknown}),
	])
}

test_unknown_a_pod_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"what is in the pod is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": given.unknown}}}),
	])
}

test_unknown_a_chart if {
	answer == {
		"judged": {given.urn("kubernetes:helm.sh/v3:Release", "app")},
		"fail": {},
		"unknown": {given.urn("kubernetes:helm.sh/v3:Release", "app"): {"the pods of a chart are not in the plan"}},
	} with input as given.plan([
		given.resource("kubernetes:helm.sh/v3:Release", "app", {"chart": "x"}),
	])
}
