package falaj.plan.site_inside_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.site_inside as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_site_in_the_country if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"context": "onprem"}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/site": "abudhabi", "falaj/country": "AE"}}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_allowed_a_cluster_whose_address_is_in_the_plans_own_hands_is_no_site if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"kubeconfig": given.unknown}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/owner": "risk"}}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_allowed_a_cluster_that_the_provider_knows_by_itself if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {}}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_allowed_no_provider_is_said if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/owner": "risk"}}}),
	])
}

test_denied_a_site_abroad if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"its site is in DE; allowed: AE"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"context": "onprem"}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/site": "abudhabi", "falaj/country": "DE"}}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_denied_a_site_abroad_whose_provider_says_nothing if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"its site is in DE; allowed: AE"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/site": "abudhabi", "falaj/country": "DE"}}}),
	])
}

test_denied_a_country_that_is_no_text if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"its site is in 7; allowed: AE"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"context": "onprem"}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/site": "abudhabi", "falaj/country": 7}}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_denied_a_country_of_no_letters if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"its site is in ; allowed: AE"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"context": "onprem"}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/site": "abudhabi", "falaj/country": ""}}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_denied_nothing_said_of_a_cluster_behind_a_context if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"no label falaj/country says where its site is", "no label falaj/site says at which site it lies"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"context": "onprem"}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/owner": "risk"}}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_denied_no_labels_at_all if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"no label falaj/country says where its site is", "no label falaj/site says at which site it lies"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"context": "onprem"}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_denied_a_country_and_no_site if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"no label falaj/site says at which site it lies"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"context": "onprem"}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/country": "AE"}}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_denied_a_site_and_no_country__whoever_makes_it if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"no label falaj/country says where its site is"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/site": "abudhabi"}}}),
	])
}

test_denied_a_context_that_nobody_knows_yet_is_one_all_the_same if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {given.urn("kubernetes:core/v1:Namespace", "training"): {"no label falaj/country says where its site is", "no label falaj/site says at which site it lies"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"context": given.unknown}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {}}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_unknown_a_country_that_nobody_knows_yet if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Namespace", "training"): {"its label falaj/country is not known before an apply"}},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"context": "onprem"}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/site": "abudhabi", "falaj/country": given.unknown}}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_unknown_a_site_that_nobody_knows_yet if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Namespace", "training"): {"its label falaj/site is not known before an apply"}},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"context": "onprem"}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": {"falaj/site": given.unknown, "falaj/country": "AE"}}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}

test_unknown_labels_that_nobody_knows_yet if {
	answer == {
		"judged": {given.urn("kubernetes:core/v1:Namespace", "training")},
		"fail": {},
		"unknown": {given.urn("kubernetes:core/v1:Namespace", "training"): {"its label falaj/country is not known before an apply", "its label falaj/site is not known before an apply"}},
	} with input as given.plan([
		given.resource("pulumi:providers:kubernetes", "cluster", {"context": "onprem"}),
		object.union(given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training", "labels": given.unknown}}), {"provider": "urn:pulumi:prod::app::pulumi:providers:kubernetes::cluster::1"}),
	])
}
