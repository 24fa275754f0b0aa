# METADATA
# title: Where the data came from, and that we may use it, is known
# description: |
#   Every source of the training data and the base model name their origin, licence, revision and digest, and the data has a card. A
#   licence nobody could tell is no licence.
# custom:
#   check: C26
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["candidate"]
#   evidence: the candidate, the digests seen on disk and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso42001: [A.7.3, A.7.5], iso27001: [A.5.32, A.5.34], gdpr: ["5(1)(b)", "30"], uae_pdpl: ["5"], eu_ai_act: ["10"]}
#   remediation: Name licence, address, revision and digest of each source when the data is prepared, and write the data card.
#   runbook: gate_denied
package falaj.release.data_provenance

import rego.v1

judged contains subject if some subject, _ in origins

judged contains "data"

fail[subject] contains sprintf("it has no %v", [field]) if {
	some subject, origin in origins
	some field in needed[kind(subject)]
	missing(object.get(origin, field, null))
}

fail[subject] contains "its uri holds a password" if {
	some subject, origin in origins
	is_string(origin.uri)
	regex.match("://[^/:@]*:[^/@]+@", origin.uri)
}

fail[subject] contains sprintf("licence %v is not allowed", [origin.licence]) if {
	some subject, origin in origins
	is_string(origin.licence)
	some pattern in input.parameters.release.refused_licences
	regex.match(pattern, origin.licence)
}

fail[subject] contains sprintf("it has no %v", [field]) if {
	subject := "data"
	some field in ["name", "digest", "card_digest"]
	missing(object.get(dataset, field, null))
}

fail[subject] contains "it names no source" if {
	subject := "data"
	count(sources) == 0
}

fail[subject] contains "it is not split into train, validation and test rows" if {
	subject := "data"
	count([part | some part in ["train", "validation", "test"]; object.get(object.get(dataset, "rows", {}), part, 0) > 0]) < 3
}

unknown[subject] contains sprintf("nobody could tell its licence (%v)", [origin.licence]) if {
	some subject, origin in origins
	is_string(origin.licence)
	lower(origin.licence) in {"unknown", "noassertion", "none", "other"}
}

dataset := object.get(input.candidate, "data", {})

sources := object.get(dataset, "sources", [])

needed := {
	"source": ["uri", "licence", "revision", "digest"],
	"base_model": ["name", "licence", "digest"],
}

origins.base_model := object.get(input.candidate, "base_model", {})

origins[subject] := source if {
	some index, source in sources
	subject := sprintf("source:%v", [object.get(source, "name", index)])
}

kind(subject) := "source" if startswith(subject, "source:")

kind(subject) := "base_model" if subject == "base_model"

missing(value) if value in {null, ""}
