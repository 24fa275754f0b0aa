package falaj.plan.job_bounded_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.job_bounded as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_bounded_job_and_schedule if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:CronJob", "drift"), given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"metadata": {"name": "train", "namespace": "training"}, "spec": {"activeDeadlineSeconds": 3600, "backoffLimit": 2, "ttlSecondsAfterFinished": 604800, "template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:batch/v1:CronJob", "drift", {"spec": {"concurrencyPolicy": "Forbid", "jobTemplate": {"spec": {"activeDeadlineSeconds": 3600, "backoffLimit": 2, "ttlSecondsAfterFinished": 604800, "template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}}}}}),
	])
}

test_denied_nothing_is_said if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {given.urn("kubernetes:batch/v1:Job", "train"): {"it has no activeDeadlineSeconds", "it has no ttlSecondsAfterFinished"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"metadata": {"name": "train", "namespace": "training"}, "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
	])
}

test_denied_tried_for_ever if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {given.urn("kubernetes:batch/v1:Job", "train"): {"it is tried again more than 6 times"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"metadata": {"name": "train", "namespace": "training"}, "spec": {"activeDeadlineSeconds": 3600, "backoffLimit": 100, "ttlSecondsAfterFinished": 604800, "template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
	])
}

test_denied_a_month_long if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {given.urn("kubernetes:batch/v1:Job", "train"): {"it may run for more than 172800 seconds"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"metadata": {"name": "train", "namespace": "training"}, "spec": {"activeDeadlineSeconds": 2592000, "backoffLimit": 2, "ttlSecondsAfterFinished": 604800, "template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
	])
}

test_denied_a_schedule_that_overtakes_itself if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:CronJob", "drift")},
		"fail": {given.urn("kubernetes:batch/v1:CronJob", "drift"): {"a run may overtake the one before it"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:CronJob", "drift", {"spec": {"jobTemplate": {"spec": {"activeDeadlineSeconds": 3600, "backoffLimit": 2, "ttlSecondsAfterFinished": 604800, "template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}}}}}),
	])
}

test_unknown_bounds_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:Job", "train")},
		"fail": {},
		"unknown": {given.urn("kubernetes:batch/v1:Job", "train"): {"not known before an apply: whether it has no activeDeadlineSeconds", "not known before an apply: whether it is tried again more than 6 times"}},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:Job", "train", {"metadata": {"name": "train", "namespace": "training"}, "spec": {"activeDeadlineSeconds": given.unknown, "backoffLimit": given.unknown, "ttlSecondsAfterFinished": 604800, "template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
	])
}

test_unknown_a_job_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:batch/v1:CronJob", "drift")},
		"fail": {},
		"unknown": {given.urn("kubernetes:batch/v1:CronJob", "drift"): {"not known before an apply: whether it has no activeDeadlineSeconds", "not known before an apply: whether it has no ttlSecondsAfterFinished", "not known before an apply: whether it is tried again more than 6 times"}},
	} with input as given.plan([
		given.resource("kubernetes:batch/v1:CronJob", "drift", {"spec": {"concurrencyPolicy": "Forbid", "jobTemplate": given.unknown}}),
	])
}

a_set(changes) := object.union({"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "name": "train", "uid": "a5e62f0e", "controller": true}, changes)

# What is said of a job that is bounded in everything but its removal, by who owns it: [failures, unknowns].
said_of(owners) := [object.get(found.fail, urn, set()), object.get(found.unknown, urn, set())] if {
	urn := given.urn("kubernetes:batch/v1:Job", "train")
	found := answer with input as given.plan([given.resource("kubernetes:batch/v1:Job", "train", {"metadata": {"name": "train", "ownerReferences": owners}, "spec": {"activeDeadlineSeconds": 3600, "backoffLimit": 2}})])
	found.judged == {urn}
}

unremoved := "it has no ttlSecondsAfterFinished"

test_allowed_a_job_that_its_set_removes if {
	said_of([a_set({})]) == [set(), set()]
	said_of([a_set({"name": given.unknown, "uid": given.unknown})]) == [set(), set()]
}

test_denied_a_job_that_no_set_removes if {
	broken := [{unremoved}, set()]
	every owners in [
		null,
		[],
		"JobSet",
		[null],
		[a_set({"controller": false})],
		[a_set({"controller": null})],
		[a_set({"controller": "true"})],
		[a_set({"kind": "jobset"})],
		[a_set({"kind": null})],
		[a_set({"apiVersion": "jobset.x-k8s.io/v1"})],
		[a_set({"apiVersion": null})],
		[a_set({}), {"apiVersion": "v1", "kind": "ConfigMap", "name": "kept"}],
	] {
		said_of(owners) == broken
	}
}

test_unknown_a_job_whose_owners_are_known_later if {
	unsure := [set(), {sprintf("not known before an apply: whether %v", [unremoved])}]
	every owners in [given.unknown, [given.unknown], [a_set({"kind": given.unknown})], [a_set({"apiVersion": given.unknown})], [a_set({"controller": given.unknown})]] {
		said_of(owners) == unsure
	}
}
