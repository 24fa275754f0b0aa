package falaj.plan.admission_enforced_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.admission_enforced as rule

policy_type := "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy"

binding_type := "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding"

# What is said of these resources, by their names, in a plan that makes rooms of teams, where the door is to do `action`.
said(resources, action) := told(resources, [object.union(given.resource("falaj:platform:TeamNamespace", "room", {}), {"custom": false})], action)

told(resources, components, action) := found if {
	parameters := object.union(given.parameters, {"admission": {"rules": ["job_bounded", "pod_restricted"], "action": action}})
	answer := {
		"judged": {subject | some subject in rule.judged},
		"fail": {name_in(subject): why | some subject, why in rule.fail},
		"unknown": {name_in(subject): what | some subject, what in rule.unknown},
	} with input as object.union(given.plan(array.concat(components, resources)), {"parameters": parameters})
	answer.judged == {resource.urn | some resource in resources}
	found := [answer.fail, answer.unknown]
}

name_in(urn) := parts[count(parts) - 1] if parts := split(urn, "::")

namespace := given.resource("kubernetes:core/v1:Namespace", "training", {"metadata": {"name": "training"}})

policy(label, name, spec) := given.resource(policy_type, label, {"metadata": {"name": name}, "spec": spec})

binding(label, spec) := given.resource(binding_type, label, {"spec": object.union({"policyName": "falaj-job-bounded", "validationActions": ["Deny"]}, spec)})

choosing(label, matched) := binding(label, {"matchResources": matched})

jobs := policy("jobs", "falaj-job-bounded", {"failurePolicy": "Fail"})

asked := binding("asked", {})

but_named(key, operator) := {"namespaceSelector": {"matchExpressions": [{"key": key, "operator": operator, "values": ["kube-system"]}]}}

whole := [
	namespace, jobs, asked,
	policy("pods", "falaj-pod-restricted", {}),
	binding("both", {"policyName": "falaj-pod-restricted", "validationActions": ["Deny", "Audit"], "paramRef": {"parameterNotFoundAction": "Deny"}}),
]

test_allowed_a_door_that_asks_and_refuses if {
	said(whole, "deny") == [{}, {}]
	said(whole, "warn") == [{}, {}]
}

test_allowed_a_binding_that_leaves_out_named_namespaces if {
	every matched in [{}, {"namespaceSelector": {}, "objectSelector": {}, "resourceRules": []}, but_named("kubernetes.io/metadata.name", "NotIn")] {
		said([jobs, choosing("b", matched)], "deny") == [{}, {}]
	}
}

test_allowed_a_namespace_in_a_cluster_whose_door_another_plan_has_made if {
	told([namespace], [], "deny") == [{}, {}]
}

test_allowed_what_is_no_rule_of_ours if {
	said([policy("theirs", "theirs", {"failurePolicy": "Ignore"}), binding("b", {"policyName": "theirs", "validationActions": ["Warn"], "paramRef": {"parameterNotFoundAction": "Allow"}})], "deny") == [{}, {}]
}

test_allowed_where_no_door_is_asked_for if {
	said([namespace, policy("p", given.unknown, {"failurePolicy": given.unknown}), binding("b", {"policyName": given.unknown, "validationActions": given.unknown})], "off") == [{}, {}]
}

test_allowed_a_warning_where_no_more_is_asked_for if {
	said([jobs, binding("b", {"validationActions": ["Warn"]})], "warn") == [{}, {}]
}

test_denied_no_door if {
	nobody := {"at its cluster's door nobody asks job_bounded", "at its cluster's door nobody asks pod_restricted"}
	every action in ["deny", "warn"] {
		said([namespace], action) == [{"training": nobody}, {}]
		said([namespace, given.resource(policy_type, "p", {"spec": {}})], action) == [{"training": nobody}, {}]
	}
	said([namespace, jobs, asked], "deny") == [{"training": {"at its cluster's door nobody asks pod_restricted"}}, {}]
}

test_denied_a_policy_that_nobody_has_asked if {
	said([jobs, binding("b", {"policyName": "other"})], "warn") == [{"jobs": {"no binding has it asked"}}, {}]
}

test_denied_a_policy_that_gives_way if {
	said([policy("p", "falaj-job-bounded", {"failurePolicy": "Ignore"}), asked], "warn") == [{"p": {"what it cannot judge it lets in: failurePolicy is not Fail"}}, {}]
}

test_denied_a_binding_that_refuses_nothing if {
	every actions in [["Warn", "Audit"], [], null, "Warn", ["deny"]] {
		said([jobs, asked, binding("b", {"validationActions": actions})], "deny") == [{"b": {"it refuses nothing: validationActions has no Deny"}}, {}]
	}
}

test_denied_a_binding_that_is_asked_of_some_things if {
	every field, choice in {
		"objectSelector": {"matchLabels": {"a": "b"}},
		"resourceRules": [{"resources": ["jobs"]}],
		"namespaceSelector": {"matchLabels": {"asks": "yes"}},
	} {
		said([jobs, choosing("b", {field: choice})], "deny") == [{"b": {sprintf("it is asked of some things only, by %v", [field])}}, {}]
	}
	every matched in [but_named("kubernetes.io/metadata.name", "In"), but_named("asks", "NotIn"), {"namespaceSelector": {"matchExpressions": [{}]}}] {
		said([jobs, choosing("b", matched)], "warn") == [{"b": {"it is asked of some things only, by namespaceSelector"}}, {}]
	}
}

test_denied_a_binding_without_its_list if {
	lax := binding("b", {"paramRef": {"name": "x", "parameterNotFoundAction": "Allow"}})
	said([jobs, lax], "deny") == [{"b": {"where its list is missing it lets everything in: parameterNotFoundAction is not Deny"}}, {}]
}

test_unknown_a_name_known_later if {
	later := "whether anybody asks %v at its cluster's door is not known before an apply"
	said([namespace, policy("p", given.unknown, {})], "warn") == [
		{},
		{"p": {"which rule it asks is not known before an apply"}, "training": {sprintf(later, ["job_bounded"]), sprintf(later, ["pod_restricted"])}},
	]
}

test_unknown_whose_binding_it_is if {
	said([jobs, binding("b", {"policyName": given.unknown})], "warn") == [{}, {
		"jobs": {"whether a binding has it asked is not known before an apply"},
		"b": {"which policy it has asked is not known before an apply"},
	}]
}

test_unknown_what_a_policy_does_on_an_error if {
	every spec in [given.unknown, {"failurePolicy": given.unknown}] {
		said([policy("p", "falaj-job-bounded", spec), asked], "warn") == [{}, {"p": {"whether it refuses what it cannot judge is not known before an apply"}}]
	}
}

test_unknown_what_a_binding_does if {
	every actions in [given.unknown, ["Warn", given.unknown]] {
		said([jobs, binding("b", {"validationActions": actions})], "deny") == [{}, {"b": {"whether it refuses anything is not known before an apply"}}]
	}
	said([jobs, binding("b", {"paramRef": {"parameterNotFoundAction": given.unknown}})], "deny") == [{}, {"b": {"whether it lets everything in where its list is missing is not known before an apply"}}]
	every choice in [given.unknown, {"matchLabels": {"a": given.unknown}}] {
		said([jobs, choosing("b", {"objectSelector": choice})], "deny") == [{}, {"b": {"of what it is asked is not known before an apply (objectSelector)"}}]
	}
}
