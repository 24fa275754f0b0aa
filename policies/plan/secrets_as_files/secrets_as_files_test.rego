package falaj.plan.secrets_as_files_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.secrets_as_files as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_mounted_secret if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:core/v1:ConfigMap", "plain")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "KEY_FILE", "value": "/run/key"}], "envFrom": [{"configMapRef": {"name": "plain"}}], "volumeMounts": [{"name": "key", "mountPath": "/run"}]}], "volumes": [{"name": "key", "secret": {"secretName": "key"}}]}}}}),
		given.resource("kubernetes:core/v1:ConfigMap", "plain", {"data": {"LEVEL": "info"}}),
	])
}

test_allowed_a_field_of_the_pod if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}]}}}}),
	])
}

test_denied_a_key_of_a_secret if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"container main gets secret variable KEY"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "key", "key": "k"}}}]}]}}}}),
	])
}

test_denied_a_value_marked_secret if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"container main gets secret variable TOKEN"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "TOKEN", "value": {"__falaj__": "secret"}}]}]}}}}),
	])
}

test_denied_a_whole_secret if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"container main gets a whole Secret as variables"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i", "envFrom": [{"secretRef": {"name": "key"}}]}]}}}}),
	])
}

test_denied_a_config_map_with_secrets if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:ConfigMap", "plain")},
		"fail": {given.urn("kubernetes:core/v1:ConfigMap", "plain"): {"db_password is named like a secret", "other holds a secret"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:ConfigMap", "plain", {"data": {"db_password": "x", "other": {"__falaj__": "secret"}}}),
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

test_unknown_a_pod_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"what is in the pod is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": given.unknown}}}),
	])
}

test_unknown_variables_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"where container main gets its variables from is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": given.unknown}]}}}}),
	])
}

test_unknown_a_source_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"where container main gets its variables from is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "KEY", "valueFrom": given.unknown}]}]}}}}),
	])
}

test_unknown_a_variable_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"where container main gets its variables from is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i", "envFrom": [given.unknown]}]}}}}),
	])
}

test_unknown_a_config_map_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:ConfigMap", "plain")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:ConfigMap", "plain"): {"what it holds is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:ConfigMap", "plain", {"data": given.unknown}),
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
