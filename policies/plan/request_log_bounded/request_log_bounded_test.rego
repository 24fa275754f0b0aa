package falaj.plan.request_log_bounded_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.request_log_bounded as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_features_for_a_month if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "FALAJ_REQUESTS", "value": "/r"}, {"name": "FALAJ_REQUEST_LOG", "value": "features"}, {"name": "FALAJ_REQUEST_LOG_DAYS", "value": "30"}]}]}}}}),
	])
}

test_allowed_no_log_at_all if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "FALAJ_REQUEST_LOG", "value": "none"}]}]}}}}),
	])
}

test_denied_nothing_is_said if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"nothing says how long its request log is kept", "nothing says what its request log keeps"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": []}]}}}}),
	])
}

test_denied_the_text_itself if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"its request log keeps text; allowed: features, none"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "FALAJ_REQUEST_LOG", "value": "text"}, {"name": "FALAJ_REQUEST_LOG_DAYS", "value": "30"}]}]}}}}),
	])
}

test_denied_for_ever if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"nothing says how long its request log is kept"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "FALAJ_REQUESTS", "value": "/r"}, {"name": "FALAJ_REQUEST_LOG", "value": "features"}]}]}}}}),
	])
}

test_denied_for_ten_years if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"its request log is kept for 3650 days; at most 90 are allowed"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "FALAJ_REQUESTS", "value": "/r"}, {"name": "FALAJ_REQUEST_LOG", "value": "features"}, {"name": "FALAJ_REQUEST_LOG_DAYS", "value": "3650"}]}]}}}}),
	])
}

test_unknown_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"FALAJ_REQUEST_LOG_DAYS is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [{"name": "FALAJ_REQUESTS", "value": "/r"}, {"name": "FALAJ_REQUEST_LOG", "value": "features"}, {"name": "FALAJ_REQUEST_LOG_DAYS", "value": given.unknown}]}]}}}}),
	])
}

test_unknown_variables_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"what its container is told is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": given.unknown}]}}}}),
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

test_unknown_a_variable_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"what its container is told is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "namespace": "inference"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "serve", "falaj/serves": "true"}}, "template": {"metadata": {"labels": {"app": "serve", "falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "image": "i", "env": [given.unknown]}]}}}}),
	])
}

test_denied_another_value_under_the_same_name_and_in_another_container if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::a", "urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::b"},
		"fail": {"urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::a": {"its request log is kept for 900 days; at most 90 are allowed", "its request log keeps text; allowed: features, none"}, "urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::b": {"its request log is kept for 900 days; at most 90 are allowed", "its request log keeps text; allowed: features, none"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "a", {"metadata": {"name": "a"}, "spec": {"template": {"metadata": {"labels": {"falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "env": [{"name": "FALAJ_REQUEST_LOG", "value": "features"}, {"name": "FALAJ_REQUEST_LOG_DAYS", "value": "30"}, {"name": "FALAJ_REQUEST_LOG", "value": "text"}, {"name": "FALAJ_REQUEST_LOG_DAYS", "value": "900"}]}]}}}}),
		given.resource("kubernetes:apps/v1:Deployment", "b", {"metadata": {"name": "b"}, "spec": {"template": {"metadata": {"labels": {"falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "env": [{"name": "FALAJ_REQUEST_LOG", "value": "none"}]}, {"name": "other", "env": [{"name": "FALAJ_REQUEST_LOG", "value": "text"}, {"name": "FALAJ_REQUEST_LOG_DAYS", "value": "900"}]}]}}}}),
	])
}

test_denied_values_that_are_numbers if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::a"},
		"fail": {"urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::a": {"its request log is kept for 900 days; at most 90 are allowed", "its request log keeps 7; allowed: features, none"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "a", {"metadata": {"name": "a"}, "spec": {"template": {"metadata": {"labels": {"falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "env": [{"name": "FALAJ_REQUEST_LOG", "value": 7}, {"name": "FALAJ_REQUEST_LOG_DAYS", "value": 900}]}]}}}}),
	])
}

test_allowed_a_log_beside_a_container_that_keeps_none if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::a"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "a", {"metadata": {"name": "a"}, "spec": {"template": {"metadata": {"labels": {"falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "env": [{"name": "FALAJ_REQUEST_LOG", "value": "none"}]}, {"name": "other", "env": [{"name": "FALAJ_REQUEST_LOG", "value": "features"}, {"name": "FALAJ_REQUEST_LOG_DAYS", "value": "30"}]}]}}}}),
	])
}

test_unknown_another_value_that_is_known_later if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::a"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::a": {"FALAJ_REQUEST_LOG is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "a", {"metadata": {"name": "a"}, "spec": {"template": {"metadata": {"labels": {"falaj/serves": "true"}}, "spec": {"containers": [{"name": "main", "env": [{"name": "FALAJ_REQUEST_LOG", "value": "features"}, {"name": "FALAJ_REQUEST_LOG_DAYS", "value": "30"}, {"name": "FALAJ_REQUEST_LOG", "value": given.unknown}]}]}}}}),
	])
}
