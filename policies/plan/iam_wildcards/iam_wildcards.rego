# METADATA
# title: A permission names what it permits
# description: |
#   No statement allows everything, a whole service on everything, or a guarded action (reading data, using keys, handing on
#   roles) on everything; none allows "all but"; and the provider's catch-all policies are attached to nobody.
# custom:
#   check: C09
#   severity: critical
#   level: mandatory
#   unknown: defer
#   subjects:
#     - "aws:iam/groupPolicy:GroupPolicy"
#     - "aws:iam/groupPolicyAttachment:GroupPolicyAttachment"
#     - "aws:iam/policy:Policy"
#     - "aws:iam/policyAttachment:PolicyAttachment"
#     - "aws:iam/rolePolicy:RolePolicy"
#     - "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
#     - "aws:iam/userPolicy:UserPolicy"
#     - "aws:iam/userPolicyAttachment:UserPolicyAttachment"
#   reads: ["aws:iam/role:Role"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.15, A.5.18, A.8.2, A.8.3], gdpr: ["25(2)", "32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: List the actions and the ARNs they are for; replace provider-managed full-access policies by one of your own.
#   runbook: gate_denied
package falaj.plan.iam_wildcards

import rego.v1

import data.falaj.lib.documents
import data.falaj.lib.plan

judged := object.keys(policies) | object.keys(attached)

fail[urn] contains "the policy is not a JSON object" if {
	some urn in doubtful
	not urn in legible
	some policy in policies[urn]
	documents.malformed(policy)
}

fail[urn] contains sprintf("%v allows everything", [documents.label(statement, index)]) if {
	some [urn, index, statement] in sweeping
	some action in actions_in[statement.Action]
	regex.match(all_actions, action)
}

fail[urn] contains sprintf("%v allows all of %v on everything", [documents.label(statement, index), action]) if {
	some [urn, index, statement] in sweeping
	some action in actions_in[statement.Action]
	regex.match(whole_service, action)
	everything(statement)
}

fail[urn] contains sprintf("%v allows %v on everything", [documents.label(statement, index), action]) if {
	some [urn, index, statement] in sweeping
	some action in guarded_in[statement.Action]
	everything(statement)
}

fail[urn] contains sprintf("%v allows all but what it names (%v)", [documents.label(statement, index), field]) if {
	some [urn, index, statement] in statements
	some field in ({"NotAction", "NotResource"} & object.keys(statement))
	statement[field] != null
}

fail[urn] contains sprintf("it attaches %v", [arn]) if {
	some urn, arns in attached
	some arn in arns
	is_string(arn)
	regex.match(input.parameters.iam.forbidden_managed_policies, arn)
}

unknown[urn] contains why if {
	some urn in doubtful
	some policy in policies[urn]
	why := documents.unreadable(policy)
}

unknown[urn] contains "which policy it attaches is not known before an apply, and no reference says whose it is" if {
	some urn, arns in attached
	some arn in arns
	plan.hidden(arn)
	count(own_policies(urn)) == 0
}

wide := `"\*|[":][*?/:]*\*[*?/:]*"|Not(Action|Resource)`

# Statements are taken apart only where the text holds what one of the checks is about: a lone wildcard, one at the end of an action or
# a resource with nothing but wildcards beside it, or a negation.
doubtful contains urn if {
	some urn, texts in policies
	some policy in texts
	not documents.plain(policy, wide)
}

# Policies that can be read, each as an object.
read := [[urn, document] |
	some urn in doubtful
	some policy in policies[urn]
	not documents.unreadable(policy)
	document := documents.parsed(policy)
	is_object(document)
]

# Those whose only policy is among them.
legible := {urn | some [urn, _] in read; count(policies[urn]) == 1}

statements := [[urn, index, statement] |
	some [urn, document] in read
	some index, statement in documents.allows(document)
	regex.match(wide, json.marshal(statement))
]

# Many statements allow the same actions, so each list of them is read once.
actions_in := {list: documents.actions({"Action": list}) | some list in lists}

lists := {statement.Action | some [_, _, statement] in statements}

# List of actions -> the guarded ones that it covers.
guarded_in := {list: covered |
	some list, patterns in actions_in
	covered := {action |
		some pattern in patterns
		documents.covers(pattern, guarded)
		some action in input.parameters.iam.guarded_actions
		documents.covers(pattern, action)
	}
	count(covered) > 0
}

guarded := concat("\n", input.parameters.iam.guarded_actions)

# Statements whose actions would be too many on everything.
sweeping := [[urn, index, statement] |
	some [urn, index, statement] in statements
	statement.Action in wide_lists
]

wide_lists := object.keys(guarded_in) | {list |
	some list, actions in actions_in
	some action in actions
	some pattern in [all_actions, whole_service]
	regex.match(pattern, action)
}

all_actions := `^[*?]*\*[*?]*(:[*?]*\*[*?]*)?$`

whole_service := `^[a-z0-9-]+:[*?]*\*[*?]*$`

policies := object.union(
	{resource.urn: [object.get(resource.inputs, "policy", null)] |
		some resource in plan.of_types({
			"aws:iam/policy:Policy",
			"aws:iam/rolePolicy:RolePolicy",
			"aws:iam/userPolicy:UserPolicy",
			"aws:iam/groupPolicy:GroupPolicy",
		})
	},
	{role.urn: [plan.at(inline, ["policy"]) | some inline in inlines] |
		some role in plan.of_type("aws:iam/role:Role")
		inlines := plan.listed(object.get(role.inputs, "inlinePolicies", null))
		count(inlines) > 0
	},
)

attached := object.union(
	{resource.urn: [object.get(resource.inputs, "policyArn", null)] |
		some resource in plan.of_types({
			"aws:iam/rolePolicyAttachment:RolePolicyAttachment",
			"aws:iam/userPolicyAttachment:UserPolicyAttachment",
			"aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
			"aws:iam/policyAttachment:PolicyAttachment",
		})
	},
	{role.urn: arns |
		some role in plan.of_type("aws:iam/role:Role")
		arns := plan.listed(object.get(role.inputs, "managedPolicyArns", null))
		count(arns) > 0
	},
)

own_policies(urn) := {policy |
	some field in ["policyArn", "managedPolicyArns"]
	some policy in plan.referred_of(plan.get(urn), field, {"aws:iam/policy:Policy"})
}

everything(statement) if {
	regex.match(wide, json.marshal(object.get(statement, "Resource", null)))
	some resource in documents.resources(statement)
	documents.everything(resource)
}
