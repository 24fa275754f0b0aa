# METADATA
# title: A permission names what it permits
# description: |
#   No statement allows everything, a whole service on everything, or a guarded action (reading data, using keys, handing on
#   roles) on everything; none allows "all but"; and the provider's catch-all policies are attached to nobody.
# custom:
#   check: C09
#   severity: critical
#   level: mandatory
#   unknown: deny
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

judged contains urn if some [urn, _] in policies

judged contains urn if some [urn, _] in attached

fail[urn] contains "the policy is not a JSON object" if {
	some [urn, policy] in policies
	documents.malformed(policy)
}

fail[urn] contains sprintf("%v allows everything", [documents.label(statement, index)]) if {
	some [urn, index, statement] in statements
	some action in documents.actions(statement)
	action in {"*", "*:*"}
}

fail[urn] contains sprintf("%v allows all of %v on everything", [documents.label(statement, index), action]) if {
	some [urn, index, statement] in statements
	some action in documents.actions(statement)
	regex.match("^[a-z0-9-]+:\\*$", action)
	"*" in documents.resources(statement)
}

fail[urn] contains sprintf("%v allows %v on everything", [documents.label(statement, index), action]) if {
	some [urn, index, statement] in statements
	everything(statement)
	some action in input.parameters.iam.guarded_actions
	some pattern in documents.actions(statement)
	documents.covers(pattern, action)
}

fail[urn] contains sprintf("%v allows all but what it names (%v)", [documents.label(statement, index), field]) if {
	some [urn, index, statement] in statements
	some field in ["NotAction", "NotResource"]
	object.get(statement, field, null) != null
}

fail[urn] contains sprintf("it attaches %v", [arn]) if {
	some [urn, arn] in attached
	is_string(arn)
	regex.match(input.parameters.iam.forbidden_managed_policies, arn)
}

unknown[urn] contains why if {
	some [urn, policy] in policies
	why := documents.unreadable(policy)
}

unknown[urn] contains "which policy it attaches is not known before an apply, and no reference says whose it is" if {
	some [urn, arn] in attached
	plan.hidden(arn)
	count(own_policies(urn)) == 0
}

statements contains [urn, index, statement] if {
	some [urn, policy] in policies
	not documents.unreadable(policy)
	some index, statement in documents.allows(policy)
}

# Every resource that carries a policy document, with the document.
policies contains [resource.urn, object.get(resource.inputs, "policy", null)] if {
	some resource in plan.of_types({
		"aws:iam/policy:Policy",
		"aws:iam/rolePolicy:RolePolicy",
		"aws:iam/userPolicy:UserPolicy",
		"aws:iam/groupPolicy:GroupPolicy",
	})
}

policies contains [role.urn, plan.at(inline, ["policy"])] if {
	some role in plan.of_type("aws:iam/role:Role")
	some inline in plan.listed(object.get(role.inputs, "inlinePolicies", null))
}

attached contains [resource.urn, object.get(resource.inputs, "policyArn", null)] if {
	some resource in plan.of_types({
		"aws:iam/rolePolicyAttachment:RolePolicyAttachment",
		"aws:iam/userPolicyAttachment:UserPolicyAttachment",
		"aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
		"aws:iam/policyAttachment:PolicyAttachment",
	})
}

attached contains [role.urn, arn] if {
	some role in plan.of_type("aws:iam/role:Role")
	some arn in plan.listed(object.get(role.inputs, "managedPolicyArns", null))
}

own_policies(urn) := {policy |
	some field in ["policyArn", "managedPolicyArns"]
	some policy in plan.referred_of(plan.get(urn), field, {"aws:iam/policy:Policy"})
}

everything(statement) if {
	some resource in documents.resources(statement)
	regex.match("^(\\*|arn:aws[a-z-]*:[a-z0-9-]*:\\*?:\\*?:\\*)$", resource)
}
