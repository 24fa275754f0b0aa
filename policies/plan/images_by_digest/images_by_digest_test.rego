package falaj.plan.images_by_digest_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.images_by_digest as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_ours_by_digest if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "111122223333.dkr.ecr.me-central-1.amazonaws.com/falaj-train@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}}}}),
	])
}

test_denied_a_tag if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {given.urn("kubernetes:batch/v1:Job", "train"): {"111122223333.dkr.ecr.me-central-1.amazonaws.com/falaj-train:latest is not named by digest"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "111122223333.dkr.ecr.me-central-1.amazonaws.com/falaj-train:latest"}]}}}}),
	])
}

test_denied_no_image if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {given.urn("kubernetes:batch/v1:Job", "train"): {"a container names no image"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"spec": {"template": {"spec": {"containers": [{"name": "main"}]}}}}),
	])
}

test_unknown_an_unknown_image if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {},
		"unknown": {given.urn("kubernetes:batch/v1:Job", "train"): {"an image is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": given.unknown}]}}}}),
	])
}
