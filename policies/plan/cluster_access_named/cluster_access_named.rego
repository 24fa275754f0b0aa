# METADATA
# title: Nobody enters the cluster as its master unnamed
# description: |
#   An access entry puts nobody into a group that Kubernetes itself trusts with everything; rights come from bindings that can be
#   read. The provider's own access policies are given from a list, and all of the cluster to principals that the parameters name.
# custom:
#   check: C09
#   severity: critical
#   level: mandatory
#   unknown: defer
#   subjects: ["aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.15, A.5.18, A.8.2], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Use a group of your own and bind it to a role; give an access policy in named namespaces, or add the principal to cluster.administrators.
#   runbook: gate_denied
package falaj.plan.cluster_access_named

import rego.v1

import data.falaj.lib.plan

judged contains entry.urn if some entry in entries

judged contains given.urn if some given in associations

fail[entry.urn] contains sprintf("it enters as %v", [group]) if {
	some entry in entries
	some group in plan.listed(object.get(entry.inputs, "kubernetesGroups", null))
	is_string(group)
	startswith(group, "system:")
}

fail[each.urn] contains "it is for everybody" if {
	some each in array.concat(entries, associations)
	object.get(each.inputs, "principalArn", null) in {null, "", "*"}
}

fail[given.urn] contains sprintf("it gives %v, which is none of the policies that may be given", [policy]) if {
	some given in associations
	policy := object.get(given.inputs, "policyArn", "no policy")
	not plan.hidden(policy)
	named := name(policy)
	not named in input.parameters.cluster.access_policies
}

fail[given.urn] contains sprintf("it gives %v the whole cluster; allowed: %v", [principal, concat(", ", input.parameters.cluster.administrators)]) if {
	some given in associations
	administers(given)
	principal := given.inputs.principalArn
	plan.known(principal)
	not administrator(principal)
}

unknown[entry.urn] contains "its groups are not known before an apply" if {
	some entry in entries
	plan.holds_hidden(object.get(entry.inputs, "kubernetesGroups", null))
}

unknown[given.urn] contains sprintf("%v is not known before an apply", [field]) if {
	some given in associations
	some field in ["policyArn", "accessScope"]
	plan.holds_hidden(object.get(given.inputs, field, null))
}

unknown[each.urn] contains "who enters is not known before an apply, and no reference says who" if {
	some each in array.concat(entries, associations)
	plan.hidden(object.get(each.inputs, "principalArn", null))
	count(plan.referred(each, "principalArn")) == 0
}

unknown[given.urn] contains "who gets the whole cluster is not known before an apply" if {
	some given in associations
	administers(given)
	plan.hidden(given.inputs.principalArn)
}

entries := plan.of_type("aws:eks/accessEntry:AccessEntry")

associations := plan.of_type("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")

name(arn) := regex.replace(arn, "^arn:aws[a-z-]*:eks::aws:cluster-access-policy/", "") if is_string(arn)

name(arn) := "no policy" if not is_string(arn)

# It may change everything, in all of the cluster; a scope that names no namespaces is all of it.
administers(given) if {
	policy := name(object.get(given.inputs, "policyArn", null))
	contains(policy, "Admin")
	not contains(policy, "AdminView")
	not narrowed(given)
}

narrowed(given) if {
	scope := given.inputs.accessScope
	scope.type == "namespace"
	namespaces := plan.listed(object.get(scope, "namespaces", null))
	count(namespaces) > 0
	every namespace in namespaces {
		is_string(namespace)
		not contains(namespace, "*")
	}
}

narrowed(given) if plan.holds_hidden(given.inputs.accessScope)

administrator(principal) if {
	some pattern in input.parameters.cluster.administrators
	is_string(principal)
	regex.match(pattern, principal)
}
