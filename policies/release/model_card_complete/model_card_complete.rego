# METADATA
# title: A model card says what the model is for and what it cannot do
# description: |
#   Whoever uses a model must be able to read what it was made for, from what, how well it does and where it fails, what its
#   making took, and who answers for it. A card that leaves one of these out tells them to guess.
# custom:
#   check: C25
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["candidate"]
#   evidence: the candidate, the digests seen on disk and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso42001: [A.6.2.7, A.6.2.3, A.8.2], eu_ai_act: ["11", "13"]}
#   remediation: Run the evaluation again with FALAJ_OWNER set; it writes evaluate/model_card.json from what it measured.
#   runbook: gate_denied
package falaj.release.model_card_complete

import rego.v1

judged contains "model card"

fail[subject] contains sprintf("it says nothing of %v", [field]) if {
	subject := "model card"
	is_object(card)
	some field in input.parameters.release.card_fields
	empty(object.get(card, field, null))
}

fail[subject] contains sprintf("it gives no score of %v in task %v", [model, task]) if {
	subject := "model card"
	is_object(card)
	some model, _ in object.get(input.candidate, "models", {})
	some task, about in object.get(object.get(input.candidate, "evaluation", {}), "tasks", {})
	not is_number(object.get(card, ["metrics", model, task, about.metric], null))
}

fail[subject] contains "it is not the file that was written" if {
	subject := "model card"
	is_object(card)
	said := object.get(input.candidate, ["documents", path], null)
	seen := object.get(observed, path, null)
	seen != null
	seen != said
}

unknown[subject] contains "there is none" if {
	subject := "model card"
	not is_object(card)
}

unknown[subject] contains "nobody has looked at its file" if {
	subject := "model card"
	is_object(card)
	object.get(observed, path, null) == null
}

path := "evaluate/model_card.json"

card := object.get(input.candidate, "model_card", null)

observed := object.get(input, "observed", {})

empty(value) if value == null

empty(value) if {
	value != null
	not is_number(value)
	count(value) == 0
}
