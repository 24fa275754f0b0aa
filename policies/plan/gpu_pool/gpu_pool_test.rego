package falaj.plan.gpu_pool_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.gpu_pool as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_reserved_labelled_bounded if {
	answer == {
		"judged": {given.urn("aws:eks/nodeGroup:NodeGroup", "gpu")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/nodeGroup:NodeGroup", "gpu", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}], "labels": {"pool": "gpu"}, "scalingConfig": {"minSize": 0, "maxSize": 4}}),
	])
}

test_denied_no_taint if {
	answer == {
		"judged": {given.urn("aws:eks/nodeGroup:NodeGroup", "gpu")},
		"fail": {given.urn("aws:eks/nodeGroup:NodeGroup", "gpu"): {"no taint keeps other pods off (nvidia.com/gpu, NO_SCHEDULE)"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/nodeGroup:NodeGroup", "gpu", {"instanceTypes": ["g5.xlarge"], "taints": [], "labels": {"pool": "gpu"}, "scalingConfig": {"minSize": 0, "maxSize": 4}}),
	])
}

test_denied_a_gpu_image if {
	answer == {
		"judged": {given.urn("aws:eks/nodeGroup:NodeGroup", "gpu")},
		"fail": {given.urn("aws:eks/nodeGroup:NodeGroup", "gpu"): {"no taint keeps other pods off (nvidia.com/gpu, NO_SCHEDULE)"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/nodeGroup:NodeGroup", "gpu", {"amiType": "AL2023_x86_64_NVIDIA", "instanceTypes": ["x9.large"], "labels": {"pool": "gpu"}, "scalingConfig": {"maxSize": 1}}),
	])
}

test_unknown_unknown_machines if {
	answer == {
		"judged": {given.urn("aws:eks/nodeGroup:NodeGroup", "gpu")},
		"fail": {},
		"unknown": {given.urn("aws:eks/nodeGroup:NodeGroup", "gpu"): {"its machine types or image are not known before an apply, so nobody can say whether it has GPUs"}},
	} with input as given.plan([
		given.resource("aws:eks/nodeGroup:NodeGroup", "gpu", {"instanceTypes": given.unknown, "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}], "labels": {"pool": "gpu"}, "scalingConfig": {"minSize": 0, "maxSize": 4}}),
	])
}
