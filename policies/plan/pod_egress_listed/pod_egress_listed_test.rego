package falaj.plan.pod_egress_listed_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.pod_egress_listed as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_network_and_a_port if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "deny"), given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.40.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "deny", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}),
	])
}

test_allowed_an_ipv6_network if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "fd00:ec2::/32"}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
	])
}

test_denied_anywhere if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"an opening is for every port", "an opening leads anywhere"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}}),
	])
}

test_denied_the_whole_internet if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"an opening leads to 0.0.0.0/0, which is too wide"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
	])
}

test_denied_the_whole_internet_of_the_next_version if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"an opening leads to ::/0, which is too wide"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "::/0"}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
	])
}

test_denied_no_prefix if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"an opening leads to internet, which is too wide"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "internet"}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
	])
}

test_denied_every_port if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"an opening is for every port"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.40.0.0/16"}}]}]}}),
	])
}

test_unknown_a_network_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {},
		"unknown": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"where an opening leads is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": given.unknown}}], "ports": [{"protocol": "TCP", "port": 443}]}]}}),
	])
}

test_unknown_a_policy_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out")},
		"fail": {},
		"unknown": {given.urn("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out"): {"what it opens is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "out", {"metadata": {"name": "out", "namespace": "training"}, "spec": given.unknown}),
	])
}

test_allowed_a_service_of_the_cluster if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one", "type": "kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration", "name": "one", "op": "create", "custom": true, "inputs": {"webhooks": [{"name": "a.example", "clientConfig": {"service": {"name": "queue", "namespace": "queue-system", "path": "/validate"}}}]}}])
}

test_allowed_a_service_that_changes_objects if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration::one"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration::one", "type": "kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration", "name": "one", "op": "create", "custom": true, "inputs": {"webhooks": [{"name": "a.example", "clientConfig": {"service": {"name": "queue", "namespace": "queue-system", "path": "/validate"}}}, {"name": "a.example", "clientConfig": {"service": {"name": "queue", "namespace": "queue-system", "path": "/validate"}}}]}}])
}

test_allowed_nobody_is_asked_yet if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one", "type": "kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration", "name": "one", "op": "create", "custom": true, "inputs": {}}])
}

test_allowed_a_kind_of_one_version if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one", "type": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "name": "one", "op": "create", "custom": true, "inputs": {"spec": {"group": "example.falaj"}}}])
}

test_allowed_a_kind_that_a_service_converts if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one", "type": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "name": "one", "op": "create", "custom": true, "inputs": {"spec": {"group": "example.falaj", "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"name": "queue", "namespace": "queue-system", "path": "/validate"}}}}}}}])
}

test_denied_an_address if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one"},
		"fail": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one": {"what it is asked about goes to https://rules.example.com/validate"}},
		"unknown": {},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one", "type": "kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration", "name": "one", "op": "create", "custom": true, "inputs": {"webhooks": [{"name": "a.example", "clientConfig": {"url": "https://rules.example.com/validate"}}]}}])
}

test_denied_an_address_behind_a_service if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration::one"},
		"fail": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration::one": {"what it is asked about goes to https://rules.example.com/validate"}},
		"unknown": {},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration::one", "type": "kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration", "name": "one", "op": "create", "custom": true, "inputs": {"webhooks": [{"name": "a.example", "clientConfig": {"service": {"name": "queue", "namespace": "queue-system", "path": "/validate"}}}, {"name": "a.example", "clientConfig": {"url": "https://rules.example.com/validate"}}]}}])
}

test_denied_a_kind_that_an_address_converts if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one"},
		"fail": {"urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one": {"what it is asked about goes to https://rules.example.com/validate"}},
		"unknown": {},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one", "type": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "name": "one", "op": "create", "custom": true, "inputs": {"spec": {"group": "example.falaj", "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"url": "https://rules.example.com/validate"}}}}}}])
}

test_unknown_unknown_webhooks if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one": {"where what it is asked about goes is not known before an apply"}},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one", "type": "kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration", "name": "one", "op": "create", "custom": true, "inputs": {"webhooks": {"__falaj__": "unknown"}}}])
}

test_unknown_one_unknown_webhook if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration::one"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration::one": {"where what it is asked about goes is not known before an apply"}},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration::one", "type": "kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration", "name": "one", "op": "create", "custom": true, "inputs": {"webhooks": [{"name": "a.example", "clientConfig": {"service": {"name": "queue", "namespace": "queue-system", "path": "/validate"}}}, {"__falaj__": "unknown"}]}}])
}

test_unknown_an_unknown_client if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one": {"where what it is asked about goes is not known before an apply"}},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration::one", "type": "kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration", "name": "one", "op": "create", "custom": true, "inputs": {"webhooks": [{"name": "a.example", "clientConfig": {"__falaj__": "unknown"}}]}}])
}

test_unknown_an_unknown_address if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration::one"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration::one": {"where what it is asked about goes is not known before an apply"}},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration::one", "type": "kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration", "name": "one", "op": "create", "custom": true, "inputs": {"webhooks": [{"name": "a.example", "clientConfig": {"url": {"__falaj__": "unknown"}}}]}}])
}

test_unknown_an_unknown_kind if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one": {"where what it is asked about goes is not known before an apply"}},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one", "type": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "name": "one", "op": "create", "custom": true, "inputs": {"spec": {"__falaj__": "unknown"}}}])
}

test_unknown_an_unknown_conversion if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one": {"where what it is asked about goes is not known before an apply"}},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one", "type": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "name": "one", "op": "create", "custom": true, "inputs": {"spec": {"group": "example.falaj", "conversion": {"__falaj__": "unknown"}}}}])
}

test_unknown_an_unknown_converter if {
	answer == {
		"judged": {"urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one": {"where what it is asked about goes is not known before an apply"}},
	} with input as given.plan([{"urn": "urn:pulumi:prod::app::kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::one", "type": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "name": "one", "op": "create", "custom": true, "inputs": {"spec": {"group": "example.falaj", "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"url": {"__falaj__": "unknown"}}}}}}}])
}
