package falaj.plan.pod_restricted_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.pod_restricted as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_job if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"spec": {"template": {"spec": {"securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}, "containers": [{"name": "main", "image": "111122223333.dkr.ecr.me-central-1.amazonaws.com/falaj-train@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}}, "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]}}}}),
	])
}

test_denied_nothing_is_said if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {given.urn("kubernetes:batch/v1:Job", "train"): {"container main can write to its root file system", "container main does not drop all capabilities", "container main has no cpu limit", "container main has no memory limit", "container main has no seccomp profile", "container main may gain privileges", "container main may run as root (runAsNonRoot)"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "111122223333.dkr.ecr.me-central-1.amazonaws.com/falaj-train@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}}}}),
	])
}

test_denied_no_pod if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {given.urn("kubernetes:batch/v1:Job", "train"): {"it has no container"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"spec": {}}),
	])
}

test_unknown_an_unknown_pod if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {},
		"unknown": {given.urn("kubernetes:batch/v1:Job", "train"): {"what is in the pod is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"spec": {"template": {"spec": given.unknown}}}),
	])
}
