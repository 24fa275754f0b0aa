package falaj.plan.disruption_budget_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.disruption_budget as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_one_at_a_time if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "serve"}}}}),
	])
}

test_allowed_a_budget_that_refers_to_the_same_namespace if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.referring(given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"namespace": given.unknown}, "spec": {"template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}), {"metadata": [["kubernetes:core/v1:Namespace", "inference"]]}),
		given.referring(given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"namespace": given.unknown}, "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"app": "serve"}}}}), {"metadata": [["kubernetes:core/v1:Namespace", "inference"]]}),
		given.resource("kubernetes:core/v1:Namespace", "inference", {"metadata": {"name": "inference"}}),
	])
}

test_denied_no_budget if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"no disruption budget selects its pods"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
	])
}

test_denied_pods_without_labels if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"no disruption budget selects its pods"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve"}, "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
	])
}

test_denied_a_budget_for_other_pods if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"no disruption budget selects its pods"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "serve", "tier": "x"}}}}),
	])
}

test_denied_a_budget_with_the_same_label_of_another_value if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"no disruption budget selects its pods"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "tier": "y"}}, "template": {"metadata": {"labels": {"app": "serve", "tier": "y"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "serve", "tier": "x"}}}}),
	])
}

test_denied_a_budget_elsewhere if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"no disruption budget selects its pods"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"name": "serve", "namespace": "other"}, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "serve"}}}}),
	])
}

test_denied_all_may_go if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"its disruption budget says maxUnavailable 100%, which keeps nothing standing"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"maxUnavailable": "100%", "selector": {"matchLabels": {"app": "serve"}}}}),
	])
}

test_denied_none_need_stay if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"its disruption budget says minAvailable 0, which keeps nothing standing"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"minAvailable": 0, "selector": {"matchLabels": {"app": "serve"}}}}),
	])
}

test_denied_none_may_go if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"its disruption budget says maxUnavailable 0, which lets no node be drained"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "serve"}}}}),
	])
}

test_denied_all_must_stay if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"its disruption budget says minAvailable 100%, which lets no node be drained"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"minAvailable": "100%", "selector": {"matchLabels": {"app": "serve"}}}}),
	])
}

test_unknown_labels_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"whether a disruption budget selects its pods is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"maxUnavailable": 1, "selector": given.unknown}}),
	])
}

test_unknown_labels_of_the_pods_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"whether a disruption budget selects its pods is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": given.unknown}, "template": {"metadata": {"labels": given.unknown}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
	])
}

test_unknown_a_budget_from_nowhere if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"whether a disruption budget selects its pods is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"name": "serve", "namespace": given.unknown}, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "serve"}}}}),
	])
}

test_unknown_a_number_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"maxUnavailable of its disruption budget is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:policy/v1:PodDisruptionBudget", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"maxUnavailable": given.unknown, "selector": {"matchLabels": {"app": "serve"}}}}),
	])
}
