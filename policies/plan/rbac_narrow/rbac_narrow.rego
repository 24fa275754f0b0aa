# METADATA
# title: A role of the cluster names what it permits
# description: |
#   A star in a role permits what will be invented next year. Roles name their groups, resources and verbs; nobody may grant
#   themselves more, read all secrets of the cluster, or be everybody at once.
# custom:
#   check: C09
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects:
#     - "kubernetes:rbac.authorization.k8s.io/v1:Role"
#     - "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"
#     - "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
#     - "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.15, A.5.18, A.8.2], gdpr: ["25(2)"], uae_pdpl: ["20"]}
#   remediation: Write out apiGroups, resources and verbs; bind named groups or service accounts to a role of ours instead of cluster-admin.
#   runbook: gate_denied
package falaj.plan.rbac_narrow

import rego.v1

import data.falaj.lib.plan

judged contains role.urn if some role in roles

judged contains binding.urn if some binding in bindings

fail[role.urn] contains sprintf("a rule permits every %v", [word]) if {
	some role in doubtful
	some permission in permissions(role)
	some field, word in {"apiGroups": "group", "resources": "resource", "verbs": "verb"}
	some value in plan.listed(object.get(permission, field, null))
	is_string(value)
	contains(value, "*")
}

fail[role.urn] contains sprintf("a rule permits to %v, by which anybody can gain more", [verb]) if {
	some role in doubtful
	some permission in permissions(role)
	some verb in plan.listed(object.get(permission, "verbs", null))
	verb in {"escalate", "bind", "impersonate"}
}

fail[role.urn] contains "it reads the secrets of every namespace" if {
	some role in doubtful
	role.type == "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"
	some permission in permissions(role)
	some resource in plan.listed(object.get(permission, "resources", null))
	resource == "secrets"
	some verb in plan.listed(object.get(permission, "verbs", null))
	verb in {"get", "list", "watch"}
}

fail[binding.urn] contains "it makes somebody administrator of the cluster" if {
	some binding in bindings
	plan.at(binding.inputs, ["roleRef", "name"]) == "cluster-admin"
}

fail[binding.urn] contains sprintf("it binds %v, which is everybody", [name]) if {
	some binding in bindings
	some subject in plan.listed(object.get(binding.inputs, "subjects", null))
	name := object.get(subject, "name", null)
	name in {"system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts", "system:masters"}
}

unknown[role.urn] contains "what it permits is not known before an apply" if {
	some role in doubtful
	plan.holds_hidden(object.get(role.inputs, "rules", null))
}

unknown[binding.urn] contains "the role it binds is not known before an apply" if {
	some binding in bindings
	plan.hidden(plan.at(binding.inputs, ["roleRef", "name"]))
}

unknown[binding.urn] contains "whom it binds is not known before an apply" if {
	some binding in bindings
	some part in array.concat([object.get(binding.inputs, "subjects", null)], plan.listed(object.get(binding.inputs, "subjects", null)))
	hidden_name(part)
}

roles := plan.of_types({"kubernetes:rbac.authorization.k8s.io/v1:Role", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"})

bindings := plan.of_types({"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"})

# Roles whose text holds a word that is looked at. Most hold none.
doubtful := [role |
	some role in roles
	regex.match(`\*|"(escalate|bind|impersonate|secrets)"|__falaj__`, json.marshal(role.inputs))
]

permissions(role) := [permission | some permission in plan.listed(object.get(role.inputs, "rules", null)); not plan.hidden(permission)]

hidden_name(part) if plan.hidden(part)

# A service account of ours may get its name later; groups and users are known beforehand.
hidden_name(part) if {
	is_object(part)
	plan.hidden(object.get(part, "name", null))
	object.get(part, "kind", null) != "ServiceAccount"
}
