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
