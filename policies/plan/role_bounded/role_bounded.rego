# METADATA
# title: A workload's role has a boundary
# description: |
#   Whatever policies a role that pods take may collect, the boundary is the most that they can do.
# custom:
#   check: C09
#   severity: medium
#   level: mandatory
#   unknown: defer
#   subjects: []
#   reads: ["aws:iam/role:Role"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.18, A.8.2], gdpr: ["25(2)", "32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Set permissionsBoundary on roles that pods take.
#   runbook: gate_denied
package falaj.plan.role_bounded

import rego.v1

import data.falaj.lib.documents
import data.falaj.lib.plan

judged contains role.urn if some role in roles

fail[role.urn] contains "pods take it, and nothing bounds what it may be given" if {
	some role in roles
	object.get(role.inputs, "permissionsBoundary", null) == null
	taken_by_pods(role)
}

fail[role.urn] contains sprintf("its boundary is no policy: %v", [role.inputs.permissionsBoundary]) if {
	some role in roles
	boundary := object.get(role.inputs, "permissionsBoundary", null)
	plan.known(boundary)
	not is_policy(boundary)
}

unknown[role.urn] contains "its boundary is not known before an apply, and no reference says which it is" if {
	some role in roles
	plan.hidden(object.get(role.inputs, "permissionsBoundary", null))
	count(plan.referred(role, "permissionsBoundary")) == 0
}

unknown[role.urn] contains "who takes it is not known before an apply, and nothing bounds it" if {
	some role in roles
	object.get(role.inputs, "permissionsBoundary", null) == null
	documents.unreadable(trust(role))
}

is_policy(boundary) if regex.match(`^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/.`, boundary)

# Roles that pods take, and those of which nobody knows.
roles := [role |
	some role in plan.of_type("aws:iam/role:Role")
	object.get(role.inputs, "assumeRolePolicy", null) in of_pods
]

# Many roles are trusted alike, so each trust is read once.
trusts := {trust(role) | some role in plan.of_type("aws:iam/role:Role")}

of_pods := {document |
	some document in trusts
	not documents.plain(document, `pods\.eks|oidc-provider`)
	lets_pods_in(document)
}

lets_pods_in(document) if {
	documents.unreadable(document)
} else if {
	names_pods(document)
}

taken_by_pods(role) if {
	document := trust(role)
	not documents.unreadable(document)
	names_pods(document)
}

names_pods(document) if {
	some statement in documents.allows(document)
	not of_the_cluster_itself(statement)
	some kind, pattern in {"Service": `^pods\.eks\.amazonaws\.com$`, "Federated": "oidc-provider/"}
	some name in plan.listed(statement.Principal[kind])
	regex.match(pattern, name)
}

# The provider's own add-ons in kube-system take the provider's own policies, which no boundary of ours would fit.
of_the_cluster_itself(statement) if statement.Condition.StringEquals["aws:RequestTag/kubernetes-namespace"] == "kube-system"

trust(role) := object.get(role.inputs, "assumeRolePolicy", null)
