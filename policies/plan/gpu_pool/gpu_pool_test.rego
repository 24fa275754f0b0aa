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

test_allowed_spot_for_jobs_that_can_be_started_again if {
	answer == {
		"judged": {
			given.urn("aws:eks/nodeGroup:NodeGroup", "a"),
			given.urn("aws:eks/nodeGroup:NodeGroup", "b"),
			given.urn("aws:eks/nodeGroup:NodeGroup", "c"),
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "d"),
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "e"),
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "f"),
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "g"),
		},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/nodeGroup:NodeGroup", "a", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}], "labels": {"falaj/restartable": "true"}, "scalingConfig": {"maxSize": 4}, "capacityType": "SPOT"}),
		given.resource("aws:eks/nodeGroup:NodeGroup", "b", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}], "labels": {"pool": "gpu"}, "scalingConfig": {"maxSize": 4}, "capacityType": "ON_DEMAND"}),
		given.resource("aws:eks/nodeGroup:NodeGroup", "c", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}], "labels": {"falaj/restartable": "true"}, "scalingConfig": {"maxSize": 4}, "capacityType": given.unknown}),
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:karpenter.sh/v1:NodePool::d", "type": "kubernetes:karpenter.sh/v1:NodePool", "name": "d", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.2xlarge"]}, {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "on-demand"]}], "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]}, "metadata": {"labels": {"falaj/restartable": "true"}}}, "limits": {"nvidia.com/gpu": "8"}, "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"}}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:karpenter.sh/v1:NodePool::e", "type": "kubernetes:karpenter.sh/v1:NodePool", "name": "e", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.2xlarge"]}, {"key": "karpenter.sh/capacity-type", "operator": "NotIn", "values": ["spot"]}], "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]}}, "limits": {"nvidia.com/gpu": "8"}, "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"}}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:karpenter.sh/v1:NodePool::f", "type": "kubernetes:karpenter.sh/v1:NodePool", "name": "f", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.2xlarge"]}], "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]}, "metadata": {"labels": {"falaj/restartable": "true"}}}, "limits": {"nvidia.com/gpu": "8"}, "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"}}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:karpenter.sh/v1:NodePool::g", "type": "kubernetes:karpenter.sh/v1:NodePool", "name": "g", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.2xlarge"]}, {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["reserved"]}], "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]}}, "limits": {"nvidia.com/gpu": "8"}, "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"}}}},
	])
}

test_denied_spot_for_jobs_of_which_nobody_says_so if {
	answer == {
		"judged": {
			given.urn("aws:eks/nodeGroup:NodeGroup", "a"),
			given.urn("aws:eks/nodeGroup:NodeGroup", "b"),
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "d"),
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "e"),
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "f"),
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "g"),
		},
		"fail": {
			given.urn("aws:eks/nodeGroup:NodeGroup", "a"): {"its machines may be taken back (spot), and no label falaj/restartable=true says that its jobs can be started again"},
			given.urn("aws:eks/nodeGroup:NodeGroup", "b"): {"its machines may be taken back (spot), and no label falaj/restartable=true says that its jobs can be started again"},
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "d"): {"its machines may be taken back (spot), and no label falaj/restartable=true says that its jobs can be started again"},
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "e"): {"its machines may be taken back (spot), and no label falaj/restartable=true says that its jobs can be started again"},
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "f"): {"its machines may be taken back (spot), and no label falaj/restartable=true says that its jobs can be started again"},
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "g"): {"its machines may be taken back (spot), and no label falaj/restartable=true says that its jobs can be started again"},
		},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/nodeGroup:NodeGroup", "a", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}], "labels": {"pool": "gpu"}, "scalingConfig": {"maxSize": 4}, "capacityType": "SPOT"}),
		given.resource("aws:eks/nodeGroup:NodeGroup", "b", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}], "labels": {"falaj/restartable": "false"}, "scalingConfig": {"maxSize": 4}, "capacityType": "SPOT"}),
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:karpenter.sh/v1:NodePool::d", "type": "kubernetes:karpenter.sh/v1:NodePool", "name": "d", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.2xlarge"]}, {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "on-demand"]}], "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]}}, "limits": {"nvidia.com/gpu": "8"}, "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"}}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:karpenter.sh/v1:NodePool::e", "type": "kubernetes:karpenter.sh/v1:NodePool", "name": "e", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.2xlarge"]}, {"key": "karpenter.sh/capacity-type", "operator": "NotIn", "values": ["on-demand"]}], "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]}, "metadata": {"labels": {"pool": "gpu"}}}, "limits": {"nvidia.com/gpu": "8"}, "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"}}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:karpenter.sh/v1:NodePool::f", "type": "kubernetes:karpenter.sh/v1:NodePool", "name": "f", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.2xlarge"]}], "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]}}, "limits": {"nvidia.com/gpu": "8"}, "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"}}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:karpenter.sh/v1:NodePool::g", "type": "kubernetes:karpenter.sh/v1:NodePool", "name": "g", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.2xlarge"]}, {"key": "other", "operator": "NotIn", "values": ["spot"]}], "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]}}, "limits": {"nvidia.com/gpu": "8"}, "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"}}}},
	])
}

test_unknown_spot_or_jobs_as_only_an_apply_tells if {
	answer == {
		"judged": {
			given.urn("aws:eks/nodeGroup:NodeGroup", "a"),
			given.urn("aws:eks/nodeGroup:NodeGroup", "b"),
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "d"),
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "e"),
		},
		"fail": {},
		"unknown": {
			given.urn("aws:eks/nodeGroup:NodeGroup", "a"): {"whether its machines may be taken back (spot) is not known before an apply"},
			given.urn("aws:eks/nodeGroup:NodeGroup", "b"): {"whether its jobs can be started again is not known before an apply"},
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "d"): {"whether its machines may be taken back (spot) is not known before an apply"},
			given.urn("kubernetes:karpenter.sh/v1:NodePool", "e"): {"whether its jobs can be started again is not known before an apply"},
		},
	} with input as given.plan([
		given.resource("aws:eks/nodeGroup:NodeGroup", "a", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}], "labels": {"pool": "gpu"}, "scalingConfig": {"maxSize": 4}, "capacityType": given.unknown}),
		given.resource("aws:eks/nodeGroup:NodeGroup", "b", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}], "labels": {"falaj/restartable": given.unknown}, "scalingConfig": {"maxSize": 4}, "capacityType": "SPOT"}),
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:karpenter.sh/v1:NodePool::d", "type": "kubernetes:karpenter.sh/v1:NodePool", "name": "d", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.2xlarge"]}, {"key": "karpenter.sh/capacity-type", "operator": "In", "values": [given.unknown]}], "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]}}, "limits": {"nvidia.com/gpu": "8"}, "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"}}}},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::kubernetes:karpenter.sh/v1:NodePool::e", "type": "kubernetes:karpenter.sh/v1:NodePool", "name": "e", "op": "create", "custom": true, "inputs": {"spec": {"template": {"spec": {"requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.2xlarge"]}, {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}], "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]}, "metadata": {"labels": given.unknown}}, "limits": {"nvidia.com/gpu": "8"}, "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"}}}},
	])
}

test_denied_a_kind_of_machines_that_is_spelled_in_another_way if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::g"},
		"fail": {"urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::g": {"its machines may be taken back (spot), and no label falaj/restartable=true says that its jobs can be started again"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/nodeGroup:NodeGroup", "g", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "effect": "NO_SCHEDULE"}], "labels": {"a": "b"}, "scalingConfig": {"maxSize": 1}, "capacityType": "Spot"}),
	])
}

test_allowed_machines_that_nobody_takes_back if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::a", "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::b", "urn:pulumi:prod::app::aws:eks/nodeGroup:NodeGroup::c"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:eks/nodeGroup:NodeGroup", "a", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "effect": "NO_SCHEDULE"}], "labels": {"a": "b"}, "scalingConfig": {"maxSize": 1}, "capacityType": "ON_DEMAND"}),
		given.resource("aws:eks/nodeGroup:NodeGroup", "b", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "effect": "NO_SCHEDULE"}], "labels": {"a": "b"}, "scalingConfig": {"maxSize": 1}, "capacityType": "CAPACITY_BLOCK"}),
		given.resource("aws:eks/nodeGroup:NodeGroup", "c", {"instanceTypes": ["g5.xlarge"], "taints": [{"key": "nvidia.com/gpu", "effect": "NO_SCHEDULE"}], "labels": {"a": "b"}, "scalingConfig": {"maxSize": 1}, "capacityType": null}),
	])
}
