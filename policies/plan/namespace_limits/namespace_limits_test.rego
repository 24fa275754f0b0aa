package falaj.plan.namespace_limits_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.namespace_limits as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_defaults_and_a_largest if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:LimitRange", "limits", {"metadata": {"name": "limits", "namespace": "training"}, "spec": {"limits": [{"type": "Container", "default": {"cpu": "500m", "memory": "512Mi"}, "max": {"cpu": "16", "memory": "64Gi"}}]}}),
	])
}

test_denied_no_limits if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"nothing says the default cpu of a container", "nothing says the default memory of a container", "nothing says the largest cpu of a container", "nothing says the largest memory of a container"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
	])
}

test_denied_limits_of_pods_only if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"nothing says the default cpu of a container", "nothing says the default memory of a container", "nothing says the largest cpu of a container", "nothing says the largest memory of a container"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:LimitRange", "limits", {"metadata": {"name": "limits", "namespace": "training"}, "spec": {"limits": [{"type": "Pod", "default": {"cpu": "500m", "memory": "512Mi"}, "max": {"cpu": "16", "memory": "64Gi"}}]}}),
	])
}

test_denied_no_largest_memory if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"nothing says the largest memory of a container"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:LimitRange", "limits", {"metadata": {"name": "limits", "namespace": "training"}, "spec": {"limits": [{"type": "Container", "default": {"cpu": "500m", "memory": "512Mi"}, "max": {"cpu": "16"}}]}}),
	])
}

test_unknown_limits_from_nowhere if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Namespace", "training"): {"not known before an apply: the default cpu of a container", "not known before an apply: the default memory of a container", "not known before an apply: the largest cpu of a container", "not known before an apply: the largest memory of a container"}},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:LimitRange", "limits", {"metadata": {"name": "limits", "namespace": given.unknown}, "spec": {"limits": [{"type": "Container", "default": {"cpu": "500m", "memory": "512Mi"}, "max": {"cpu": "16", "memory": "64Gi"}}]}}),
	])
}

test_unknown_a_limit_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Namespace", "training"): {"not known before an apply: the default memory of a container"}},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:LimitRange", "limits", {"metadata": {"name": "limits", "namespace": "training"}, "spec": {"limits": [{"type": "Container", "default": {"cpu": "1", "memory": given.unknown}, "max": {"cpu": "16", "memory": "64Gi"}}]}}),
	])
}
