# METADATA
# title: An image that nobody uses ends
# description: |
#   Layers hold code, and now and then data, long after the last release that used them. Each repository has a lifecycle policy
#   that removes what lost its tag; what a release names stays.
# custom:
#   check: C05
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ecr/repository:Repository"]
#   reads: ["aws:ecr/lifecyclePolicy:LifecyclePolicy"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.10], gdpr: ["5(1)(e)"]}
#   remediation: Add a LifecyclePolicy to the repository with a rule of tagStatus untagged and action expire.
#   runbook: gate_denied
package falaj.plan.images_expire

import rego.v1

import data.falaj.lib.documents
import data.falaj.lib.plan

judged contains repository.urn if some repository in repositories

fail[repository.urn] contains "no lifecycle policy belongs to it" if {
	some repository in repositories
	count(policies_of(repository)) == 0
	count(adrift) == 0
}

fail[repository.urn] contains "no rule of its lifecycle policy ends images that lost their tag" if {
	some repository in repositories
	some policy in policies_of(repository)
	not plan.holds_hidden(policy)
	not ends(policy)
}

unknown[repository.urn] contains "a lifecycle policy does not say yet which repository it belongs to" if {
	some repository in repositories
	count(policies_of(repository)) == 0
	count(adrift) > 0
}

unknown[repository.urn] contains "its lifecycle policy is not known before an apply" if {
	some repository in repositories
	some policy in policies_of(repository)
	plan.holds_hidden(policy)
}

repositories := plan.of_type("aws:ecr/repository:Repository")

policies := plan.of_type("aws:ecr/lifecyclePolicy:LifecyclePolicy")

by_name[policy.inputs.repository] contains object.get(policy.inputs, "policy", null) if {
	some policy in policies
	is_string(policy.inputs.repository)
}

# A policy whose repository has no name yet belongs to the one it refers to.
by_reference[urn] contains object.get(policy.inputs, "policy", null) if {
	some policy in policies
	not is_string(object.get(policy.inputs, "repository", null))
	some urn in plan.referred_of(policy, "repository", {"aws:ecr/repository:Repository"})
}

policies_of(repository) := {text | some text in by_name[repository.inputs.name]} | {text | some text in by_reference[repository.urn]}

adrift contains policy.urn if {
	some policy in policies
	not is_string(object.get(policy.inputs, "repository", null))
	count(plan.referred_of(policy, "repository", {"aws:ecr/repository:Repository"})) == 0
}

ends(policy) if {
	document := documents.parsed(policy)
	some rule in plan.listed(document.rules)
	rule.action.type == "expire"
	rule.selection.tagStatus in {"untagged", "any"}
	is_number(rule.selection.countNumber)
	rule.selection.countNumber > 0
}
