package falaj.plan.replicas_spread_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.replicas_spread as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_three_over_the_zones if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "serve")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}], "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": "serve"}}}]}}}}),
		given.resource("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"minReplicas": 3, "maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "serve"}}}),
	])
}

test_denied_one_replica if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"it asks for 1 replicas; at least 2 are needed"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}], "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": "serve"}}}]}}}}),
	])
}

test_denied_nobody_says_how_many if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"it asks for 1 replicas; at least 2 are needed"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "i"}], "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": "serve"}}}]}}}}),
	])
}

test_denied_side_by_side if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"nothing spreads its replicas over zones"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
	])
}

test_denied_over_nodes_only if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"nothing spreads its replicas over zones"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}], "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": "serve"}}}]}}}}),
	])
}

test_denied_scaled_down_to_one if {
	answer == {
		"judged": {given.urn("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "serve")},
		"fail": {given.urn("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "serve"): {"it lets replicas fall to 1; at least 2 are needed"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"minReplicas": 1, "maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "serve"}}}),
	])
}

test_unknown_a_number_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"its number of replicas is not known before an apply"}, given.urn("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "serve"): {"its fewest replicas are not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": given.unknown, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}], "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": "serve"}}}]}}}}),
		given.resource("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"minReplicas": given.unknown, "maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "serve"}}}),
	])
}

test_unknown_a_spread_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"how its replicas are spread is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve"}}, "template": {"metadata": {"labels": {"app": "serve"}}, "spec": {"containers": [{"name": "main", "image": "i"}], "topologySpreadConstraints": given.unknown}}}}),
	])
}
