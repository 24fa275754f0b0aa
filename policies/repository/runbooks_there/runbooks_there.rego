# METADATA
# title: What to do is written down before it happens
# description: |
#   Nobody thinks well at three in the morning. For an incident, a breach, a loss of state, a bad release and a lost region there
#   is a runbook that says when it applies and what to do, step by step.
# custom:
#   check: C36
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["repository"]
#   evidence: the facts read from the checkout and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.24, A.5.26, A.5.37], gdpr: ["33"], uae_pdpl: ["9"], eu_ai_act: ["73"]}
#   remediation: Add runbooks/NAME.md with title, when, check and verify at its top and numbered steps; see any other runbook.
#   runbook: gate_denied
package falaj.repository.runbooks_there

import rego.v1

judged contains name if some name in input.parameters.repository.runbooks

fail[name] contains "there is no such runbook" if {
	some name in input.parameters.repository.runbooks
	not input.repository.runbooks[name]
}

fail[name] contains "it does not say when it applies" if {
	some name in input.parameters.repository.runbooks
	book := input.repository.runbooks[name]
	book.error == ""
	book.when == ""
}

fail[name] contains "it has no steps" if {
	some name in input.parameters.repository.runbooks
	book := input.repository.runbooks[name]
	book.error == ""
	book.steps == 0
}

unknown[name] contains book.error if {
	some name in input.parameters.repository.runbooks
	book := input.repository.runbooks[name]
	book.error != ""
}
