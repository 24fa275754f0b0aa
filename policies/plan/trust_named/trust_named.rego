# METADATA
# title: A role names who may take it, and a queue whom it lets in
# description: |
#   A trust policy names accounts, roles or services. Identities from outside (OIDC, SAML) are bound to one subject, so that
#   not every job of a hosted service can take the role. The policy of a queue or topic lets nobody in whom it does not name.
# custom:
#   check: C09
#   severity: critical
#   level: mandatory
#   unknown: defer
#   subjects: ["aws:iam/role:Role", "aws:sqs/queuePolicy:QueuePolicy", "aws:sns/topicPolicy:TopicPolicy"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.15, A.5.16, A.8.2], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Name the principals in assumeRolePolicy; for federated ones add a condition on the subject (`:sub`) without a bare wildcard; name them in a queue's policy.
#   runbook: gate_denied
package falaj.plan.trust_named

import rego.v1

import data.falaj.lib.documents
import data.falaj.lib.plan

judged := {each.urn | some each in array.concat(roles, queues)}

fail[queue.urn] contains "its policy is missing or not a JSON object" if {
	some queue in queues
	document := object.get(queue.inputs, "policy", null)
	not documents.unreadable(document)
	not documents.parsed(document)
}

fail[queue.urn] contains sprintf("%v lets everybody in", [documents.label(statement, index)]) if {
	some queue in queues
	document := object.get(queue.inputs, "policy", null)
	not documents.unreadable(document)
	some index, statement in documents.allows(document)
	documents.everybody(statement)
}

fail[queue.urn] contains sprintf("%v lets in all but those it names", [documents.label(statement, index)]) if {
	some queue in queues
	document := object.get(queue.inputs, "policy", null)
	not documents.unreadable(document)
	some index, statement in documents.allows(document)
	statement.NotPrincipal
}

unknown[queue.urn] contains why if {
	some queue in queues
	why := documents.unreadable(object.get(queue.inputs, "policy", null))
}

queues := plan.of_types({"aws:sqs/queuePolicy:QueuePolicy", "aws:sns/topicPolicy:TopicPolicy"})

fail[role.urn] contains "the trust policy is missing or not a JSON object" if {
	some role in doubtful
	not documents.unreadable(trust(role))
	not documents.parsed(trust(role))
}

fail[urn] contains sprintf("%v lets everybody take the role", [documents.label(statement, index)]) if {
	some [urn, index, statement] in statements
	documents.everybody(statement)
}

fail[urn] contains sprintf("%v trusts all but those it names", [documents.label(statement, index)]) if {
	some [urn, index, statement] in statements
	statement.NotPrincipal
}

fail[urn] contains sprintf("%v trusts an outside identity without naming its subject", [documents.label(statement, index)]) if {
	some [urn, index, statement] in statements
	some principal in documents.principals(statement)
	startswith(principal, "Federated:")
	not names_subject(statement)
}

unknown[role.urn] contains why if {
	some role in doubtful
	why := documents.unreadable(trust(role))
}

roles := plan.of_type("aws:iam/role:Role")

trust(role) := object.get(role.inputs, "assumeRolePolicy", null)

# A trust is taken apart only where its text holds what one of the checks is about.
doubtful := [role |
	some role in roles
	document := object.get(role.inputs, "assumeRolePolicy", null)
	not document in harmless
]

# Many roles are trusted alike, so each trust is read once.
harmless := {document |
	some document in {role.inputs.assumeRolePolicy | some role in roles}
	documents.plain(document, `"\*|:\*"|NotPrincipal|Federated`)
}

statements contains [role.urn, index, statement] if {
	some role in doubtful
	not documents.unreadable(trust(role))
	some index, statement in documents.allows(trust(role))
}

names_subject(statement) if {
	some _, condition in statement.Condition
	some key, values in condition
	regex.match("(?i):(sub|aud:sub)$", key)
	count(plan.listed(values)) > 0 # of no subject at all everything is true
	every value in plan.listed(values) {
		not regex.match("^[*?:]*$", value)
	}
}
