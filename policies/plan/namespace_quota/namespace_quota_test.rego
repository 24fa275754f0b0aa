package falaj.plan.namespace_quota_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.namespace_quota as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_everything_is_bounded if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:ResourceQuota", "quota", {"metadata": {"name": "quota", "namespace": "training"}, "spec": {"hard": {"requests.nvidia.com/gpu": "8", "limits.cpu": "16", "limits.memory": "64Gi", "pods": "20"}}}),
	])
}

test_allowed_a_quota_joined_by_reference if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.referring(given.resource("kubernetes:core/v1:ResourceQuota", "quota", {"metadata": {"name": "quota", "namespace": given.unknown}, "spec": {"hard": {"requests.nvidia.com/gpu": "8", "limits.cpu": "16", "limits.memory": "64Gi", "pods": "20"}}}), {"metadata": [["kubernetes:core/v1:Namespace", "training"]]}),
	])
}

test_allowed_a_namespace_with_a_name_of_its_own if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": given.unknown}}),
		given.referring(given.resource("kubernetes:core/v1:ResourceQuota", "quota", {"metadata": {"name": "quota", "namespace": "training"}, "spec": {"hard": {"requests.nvidia.com/gpu": "8", "limits.cpu": "16", "limits.memory": "64Gi", "pods": "20"}}}), {"metadata": [["kubernetes:core/v1:Namespace", "training"]]}),
	])
}

test_denied_no_quota if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"no quota bounds its limits.cpu", "no quota bounds its limits.memory", "no quota bounds its pods", "no quota bounds its requests.nvidia.com/gpu"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
	])
}

test_denied_the_quota_of_another_namespace if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"no quota bounds its limits.cpu", "no quota bounds its limits.memory", "no quota bounds its pods", "no quota bounds its requests.nvidia.com/gpu"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:ResourceQuota", "quota", {"metadata": {"name": "quota", "namespace": "other"}, "spec": {"hard": {"requests.nvidia.com/gpu": "8", "limits.cpu": "16", "limits.memory": "64Gi", "pods": "20"}}}),
	])
}

test_denied_gpus_without_bound if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"no quota bounds its requests.nvidia.com/gpu"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:ResourceQuota", "quota", {"metadata": {"name": "quota", "namespace": "training"}, "spec": {"hard": {"limits.cpu": "16", "limits.memory": "64Gi", "pods": "20"}}}),
	])
}

test_denied_more_gpus_than_allowed if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"its quota allows 64 GPUs; at most 8 are allowed"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:ResourceQuota", "quota", {"metadata": {"name": "quota", "namespace": "training"}, "spec": {"hard": {"requests.nvidia.com/gpu": "64", "limits.cpu": "16", "limits.memory": "64Gi", "pods": "20"}}}),
	])
}

test_denied_gpus_that_are_no_number if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"its quota of GPUs is 8k, which is no whole number"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:ResourceQuota", "quota", {"metadata": {"name": "quota", "namespace": "training"}, "spec": {"hard": {"requests.nvidia.com/gpu": "8k", "limits.cpu": "16", "limits.memory": "64Gi", "pods": "20"}}}),
	])
}

test_unknown_a_quota_from_nowhere if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Namespace", "training"): {"not known before an apply: whether a quota bounds its limits.cpu", "not known before an apply: whether a quota bounds its limits.memory", "not known before an apply: whether a quota bounds its pods", "not known before an apply: whether a quota bounds its requests.nvidia.com/gpu"}},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:ResourceQuota", "quota", {"metadata": {"name": "quota", "namespace": given.unknown}, "spec": {"hard": {"requests.nvidia.com/gpu": "8", "limits.cpu": "16", "limits.memory": "64Gi", "pods": "20"}}}),
	])
}

test_unknown_an_amount_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Namespace", "training"): {"not known before an apply: whether a quota bounds its pods"}},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
		given.resource("kubernetes:core/v1:ResourceQuota", "quota", {"metadata": {"name": "quota", "namespace": "training"}, "spec": {"hard": {"requests.nvidia.com/gpu": "8", "limits.cpu": "16", "limits.memory": "64Gi", "pods": given.unknown}}}),
	])
}

test_denied_quotas_that_count_some_pods_only if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:core/v1:Namespace::a", "urn:pulumi:prod::app::kubernetes:core/v1:Namespace::b"},
		"fail": {"urn:pulumi:prod::app::kubernetes:core/v1:Namespace::a": {"no quota bounds its limits.cpu", "no quota bounds its limits.memory", "no quota bounds its pods", "no quota bounds its requests.nvidia.com/gpu"}, "urn:pulumi:prod::app::kubernetes:core/v1:Namespace::b": {"no quota bounds its limits.cpu", "no quota bounds its limits.memory", "no quota bounds its pods", "no quota bounds its requests.nvidia.com/gpu"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "a", {"metadata": {"name": "a"}}),
		given.resource("kubernetes:core/v1:ResourceQuota", "qa", {"metadata": {"namespace": "a"}, "spec": {"hard": {"requests.nvidia.com/gpu": "0", "limits.cpu": "0", "limits.memory": "0", "pods": "0"}, "scopes": ["Terminating"]}}),
		given.resource("kubernetes:core/v1:Namespace", "b", {"metadata": {"name": "b"}}),
		given.resource("kubernetes:core/v1:ResourceQuota", "qb", {"metadata": {"namespace": "b"}, "spec": {"hard": {"requests.nvidia.com/gpu": "0", "limits.cpu": "0", "limits.memory": "0", "pods": "0"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}}}),
	])
}

test_allowed_a_quota_with_an_empty_list_of_scopes if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:core/v1:Namespace::a"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "a", {"metadata": {"name": "a"}}),
		given.resource("kubernetes:core/v1:ResourceQuota", "qa", {"metadata": {"namespace": "a"}, "spec": {"hard": {"requests.nvidia.com/gpu": "0", "limits.cpu": "0", "limits.memory": "0", "pods": "0"}, "scopes": [], "scopeSelector": {}}}),
	])
}

test_unknown_a_quota_whose_scopes_are_known_later if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:core/v1:Namespace::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::kubernetes:core/v1:Namespace::a": {"not known before an apply: whether a quota bounds its limits.cpu", "not known before an apply: whether a quota bounds its limits.memory", "not known before an apply: whether a quota bounds its pods", "not known before an apply: whether a quota bounds its requests.nvidia.com/gpu"}},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "a", {"metadata": {"name": "a"}}),
		given.resource("kubernetes:core/v1:ResourceQuota", "qa", {"metadata": {"namespace": "a"}, "spec": {"hard": {"requests.nvidia.com/gpu": "0", "limits.cpu": "0", "limits.memory": "0", "pods": "0"}, "scopes": given.unknown}}),
	])
}
