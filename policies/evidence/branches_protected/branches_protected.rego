# METADATA
# title: Nothing reaches a protected branch without a second person and the checks
# description: |
#   Who may push to main writes what is planned, built and applied. The forge says what it asks of a change there: reviews that a later push
#   takes back, somebody other than who pushed last, checks that must pass, no history written anew, nobody who may pass by all of it.
#   A checkout shows none of this.
# custom:
#   check: C23
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-28"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.3, A.8.4, A.8.28, A.8.32]}
#   remediation: Protect the branch with a ruleset of the forge, then write down what it answers with falaj evidence branches; drift.yml does that every night.
#   runbook: gate_denied
package falaj.evidence.branches_protected

import rego.v1

import data.falaj.lib.evidence

judged contains "branch_protection"

asked := input.parameters.branches

# What the document says of the branches that must be protected; of others it may say what it likes.
described := [branch |
	is_array(evidence.facts.branch_protection.branches)
	some branch in evidence.facts.branch_protection.branches
	is_object(branch)
	branch.branch in asked.protected
]

named := {branch.branch | some branch in described}

ours(repository) if {
	some pattern in asked.repositories
	regex.match(pattern, repository)
}

# Switch of a branch -> how it must stand, and what is wrong where it does not.
switches := {
	"stale_reviews_dismissed": [true, "keeps its reviews when something new is pushed"],
	"last_push_reviewed_by_another": [true, "takes the review of who pushed last"],
	"force_pushes": [false, "can be written anew by a forced push"],
	"deletion": [false, "can be deleted"],
}

fail[subject] contains why if {
	subject := "branch_protection"
	some why in evidence.wrong[subject]
}

fail[subject] contains sprintf("it is about %v, which is not one of our repositories", [repository]) if {
	subject := "branch_protection"
	repository := evidence.facts[subject].repository
	is_string(repository)
	not ours(repository)
}

fail[subject] contains sprintf("it says nothing of %v", [branch]) if {
	subject := "branch_protection"
	is_array(evidence.facts[subject].branches)
	some branch in asked.protected
	not branch in named
}

fail[subject] contains sprintf("%v takes a change with %v reviews, fewer than %v", [branch.branch, reviews, asked.minimum_reviews]) if {
	subject := "branch_protection"
	some branch in described
	reviews := branch.reviews
	is_number(reviews)
	reviews < asked.minimum_reviews
}

fail[subject] contains sprintf("%v %v", [branch.branch, why]) if {
	subject := "branch_protection"
	some branch in described
	some switch, [right, why] in switches
	stands := branch[switch]
	is_boolean(stands)
	stands != right
}

fail[subject] contains sprintf("%v takes a change without the check %v", [branch.branch, check]) if {
	subject := "branch_protection"
	some branch in described
	is_array(branch.checks)
	some check in asked.checks
	not check in branch.checks
}

fail[subject] contains sprintf("%v can be passed by %v", [branch.branch, who]) if {
	subject := "branch_protection"
	some branch in described
	is_array(branch.bypass)
	some who in branch.bypass
}

unknown[subject] contains sprintf("of %v it does not say %v", [branch.branch, switch]) if {
	subject := "branch_protection"
	some branch in described
	some switch, _ in switches
	stands := object.get(branch, switch, null)
	not is_boolean(stands)
}

unknown[subject] contains sprintf("of %v it does not say reviews", [branch.branch]) if {
	subject := "branch_protection"
	some branch in described
	reviews := object.get(branch, "reviews", null)
	not is_number(reviews)
}

unknown[subject] contains sprintf("of %v it does not say checks", [branch.branch]) if {
	subject := "branch_protection"
	some branch in described
	checks := object.get(branch, "checks", null)
	not is_array(checks)
}

# The forge tells who may pass by only to who may change the ruleset.
unknown[subject] contains sprintf("of %v it does not say who may pass by", [branch.branch]) if {
	subject := "branch_protection"
	asked.bypass_known
	some branch in described
	bypass := object.get(branch, "bypass", null)
	not is_array(bypass)
}

unknown[subject] contains what if {
	subject := "branch_protection"
	some what in evidence.unclear[subject]
}

unknown[subject] contains "it does not say repository" if {
	subject := "branch_protection"
	said := evidence.facts[subject]
	repository := object.get(said, "repository", null)
	not is_string(repository)
}

unknown[subject] contains "it does not say branches" if {
	subject := "branch_protection"
	said := evidence.facts[subject]
	branches := object.get(said, "branches", null)
	not is_array(branches)
}
