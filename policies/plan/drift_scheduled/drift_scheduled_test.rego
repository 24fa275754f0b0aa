package falaj.plan.drift_scheduled_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.drift_scheduled as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_every_hour if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:batch/v1:CronJob", "drift", {"metadata": {"name": "drift", "namespace": "inference"}, "spec": {"schedule": "17 * * * *", "suspend": false, "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "drift", "args": ["drift"]}]}}}}}}),
	])
}

test_denied_no_schedule if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"no schedule compares its requests with their reference"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
	])
}

test_denied_a_schedule_elsewhere if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"no schedule compares its requests with their reference"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:batch/v1:CronJob", "drift", {"metadata": {"name": "drift", "namespace": "other"}, "spec": {"schedule": "17 * * * *", "suspend": false, "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "drift", "args": ["drift"]}]}}}}}}),
	])
}

test_denied_suspended if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"the schedule that watches it is suspended"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:batch/v1:CronJob", "drift", {"metadata": {"name": "drift", "namespace": "inference"}, "spec": {"schedule": "17 * * * *", "suspend": true, "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "drift", "args": ["drift"]}]}}}}}}),
	])
}

test_denied_once_a_month if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"the schedule that watches it, 0 0 1 * *, is rarer than weekly"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:batch/v1:CronJob", "drift", {"metadata": {"name": "drift", "namespace": "inference"}, "spec": {"schedule": "0 0 1 * *", "suspend": false, "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "drift", "args": ["drift"]}]}}}}}}),
	])
}

test_unknown_a_service_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"whether it serves is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": given.unknown}, "template": {"metadata": {"labels": given.unknown}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
	])
}

test_unknown_a_place_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"whether a schedule watches it is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": given.unknown}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:batch/v1:CronJob", "drift", {"metadata": {"name": "drift", "namespace": "inference"}, "spec": {"schedule": "17 * * * *", "suspend": false, "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "drift", "args": ["drift"]}]}}}}}}),
	])
}

test_unknown_a_command_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"whether a schedule watches it is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:batch/v1:CronJob", "drift", {"metadata": {"name": "drift", "namespace": "inference"}, "spec": {"schedule": "17 * * * *", "suspend": false, "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "x", "args": given.unknown}]}}}}}}),
	])
}

test_unknown_a_time_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"when the schedule that watches it runs is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i"}]}}}}),
		given.resource("kubernetes:batch/v1:CronJob", "drift", {"metadata": {"name": "drift", "namespace": "inference"}, "spec": {"schedule": given.unknown, "suspend": false, "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "drift", "args": ["drift"]}]}}}}}}),
	])
}
