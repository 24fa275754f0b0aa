# METADATA
# title: The cluster's door asks the rules, and refuses
# description: |
#   A plan is not the only way into a cluster. Whoever makes the rooms of its teams makes, in the same plan, a policy that the API server itself asks
#   for each listed rule, and a binding by which it is asked of everything and refuses; a door that only warns stands open.
# custom:
#   check: C12
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects:
#     - "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy"
#     - "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding"
#     - "kubernetes:core/v1:Namespace"
#   evidence: the plan and its decision
#   since: "2026-11-28"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.9, A.8.32], gdpr: ["25(2)"], uae_pdpl: ["20"]}
#   remediation: Set falaj:admission to deny; which rules the door asks, and whether it refuses, are the parameters admission.rules and admission.action.
#   runbook: gate_denied
package falaj.plan.admission_enforced

import rego.v1

import data.falaj.lib.plan

judged contains one.urn if some one in array.concat(array.concat(policies, bindings), namespaces)

fail[namespace.urn] contains sprintf("at its cluster's door nobody asks %v", [rule]) if {
	some rule in absent
	some namespace in rooms
	not perhaps_named
}

fail[policy.urn] contains "no binding has it asked" if {
	some policy in unbound
	not perhaps_bound
}

fail[policy.urn] contains "what it cannot judge it lets in: failurePolicy is not Fail" if {
	some [policy, stands] in yielding
	plan.known(stands)
}

fail[binding.urn] contains "it refuses nothing: validationActions has no Deny" if {
	some [binding, actions] in lenient
	not plan.holds_hidden(actions)
}

fail[binding.urn] contains sprintf("it is asked of some things only, by %v", [field]) if {
	some [binding, field, choice] in narrowed
	not plan.holds_hidden(choice)
}

fail[binding.urn] contains "where its list is missing it lets everything in: parameterNotFoundAction is not Deny" if {
	some binding in bindings_of_rules
	stands := plan.at(binding.inputs, ["spec", "paramRef", "parameterNotFoundAction"])
	plan.known(stands)
	stands != "Deny"
}

unknown[namespace.urn] contains sprintf("whether anybody asks %v at its cluster's door is not known before an apply", [rule]) if {
	some rule in absent
	some namespace in rooms
	perhaps_named
}

unknown[policy.urn] contains "which rule it asks is not known before an apply" if {
	some policy in policies
	input.parameters.admission.action != "off"
	plan.hidden(name_of(policy))
}

unknown[policy.urn] contains "whether a binding has it asked is not known before an apply" if {
	some policy in unbound
	perhaps_bound
}

unknown[policy.urn] contains "whether it refuses what it cannot judge is not known before an apply" if {
	some [policy, stands] in yielding
	plan.hidden(stands)
}

unknown[binding.urn] contains "which policy it has asked is not known before an apply" if {
	some binding in doubtful
	input.parameters.admission.action != "off"
	plan.hidden(policy_of(binding))
}

unknown[binding.urn] contains "whether it refuses anything is not known before an apply" if {
	some [binding, actions] in lenient
	plan.holds_hidden(actions)
}

unknown[binding.urn] contains sprintf("of what it is asked is not known before an apply (%v)", [field]) if {
	some [binding, field, choice] in narrowed
	plan.holds_hidden(choice)
}

unknown[binding.urn] contains "whether it lets everything in where its list is missing is not known before an apply" if {
	some binding in bindings_of_rules
	plan.hidden(plan.at(binding.inputs, ["spec", "paramRef", "parameterNotFoundAction"]))
}

policies := plan.of_type("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy")

bindings := plan.of_type("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding")

namespaces := plan.of_type("kubernetes:core/v1:Namespace")

# Where a plan makes rooms of teams, the cluster is its own to close; other programs may add namespaces to a cluster whose door another plan has made.
rooms := [namespace |
	count(plan.of_type("falaj:platform:TeamNamespace")) > 0
	some namespace in namespaces
]

# Rule -> the name of its policy, as `falaj policy build` gives it.
asked := {rule: concat("", ["falaj-", replace(rule, "_", "-")]) |
	input.parameters.admission.action != "off"
	some rule in input.parameters.admission.rules
}

wanted := {name | some name in asked}

names contains name if {
	some policy in policies
	name := name_of(policy)
}

absent := {rule | some rule, name in asked; not name in names}

perhaps_named if {
	some name in names
	plan.hidden(name)
}

bound := {policy_of(binding) | some binding in bindings}

perhaps_bound if {
	some name in bound
	plan.hidden(name)
}

of_rules := [policy | some policy in policies; name_of(policy) in wanted]

unbound := [policy |
	some policy in of_rules
	name := name_of(policy)
	not name in bound
]

# Policies that do not say that they refuse what they cannot judge, with what they say.
yielding := [[policy, stands] |
	some policy in of_rules
	stands := plan.at(policy.inputs, ["spec", "failurePolicy"])
	stands != "Fail"
]

bindings_of_rules := [binding | some binding in doubtful; policy_of(binding) in wanted]

# Many bindings say the same, so each saying is read once; those that are plainly as they should be are not looked at field by field.
doubtful := [binding |
	some binding in bindings
	spec := object.get(binding.inputs, "spec", null)
	not spec in sound
]

sound := {spec |
	some spec in {binding.inputs.spec | some binding in bindings}
	"Deny" in spec.validationActions
	object.get(spec, ["paramRef", "parameterNotFoundAction"], "Deny") == "Deny"
	count(choices(spec)) == 0
	not contains(json.marshal(spec), `"__falaj__"`)
}

# Bindings that do not plainly refuse, with what they do instead.
lenient := [[binding, actions] |
	input.parameters.admission.action == "deny"
	some binding in bindings_of_rules
	actions := plan.at(binding.inputs, ["spec", "validationActions"])
	listed := plan.listed(actions)
	not "Deny" in listed
]

# What a binding leaves out beside namespaces that it names and what it excludes: somebody answers for those.
narrowed := [[binding, field, choice] |
	some binding in bindings_of_rules
	some [field, choice] in choices(plan.at(binding.inputs, ["spec"]))
]

choices(spec) := [[field, choice] |
	some field in ["namespaceSelector", "objectSelector", "resourceRules"]
	choice := plan.at(spec, ["matchResources", field])
	not choice in [null, {}, []]
	not all_but_named(field, choice)
]

all_but_named(field, choice) if {
	field == "namespaceSelector"
	object.keys(choice) == {"matchExpressions"}
	every each in plan.listed(choice.matchExpressions) {
		each.key == "kubernetes.io/metadata.name"
		each.operator == "NotIn"
	}
}

name_of(policy) := plan.at(policy.inputs, ["metadata", "name"])

policy_of(binding) := plan.at(binding.inputs, ["spec", "policyName"])
