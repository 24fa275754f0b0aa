package falaj.plan.namespace_restricted_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.namespace_restricted as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_restricted_in_a_version if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "v1.34"}}}),
	])
}

test_denied_no_labels if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"it enforces no pod security level", "the version of its pod security level is not fixed"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}),
	])
}

test_denied_baseline if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"it lets pods in that are baseline"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "v1.34"}}}),
	])
}

test_denied_whatever_version_is_the_latest if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"the version of its pod security level is not fixed"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest"}}}),
	])
}

test_unknown_labels_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Namespace", "training"): {"its label pod-security.kubernetes.io/enforce is not known before an apply", "its label pod-security.kubernetes.io/enforce-version is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": given.unknown}}),
	])
}
