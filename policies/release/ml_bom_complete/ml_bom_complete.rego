# METADATA
# title: A bill of materials names all that is in the model
# description: |
#   When a base model, a data set or a file turns out to be bad, somebody must find every release that holds it. The bill
#   (CycloneDX) lists the files that are served, the base model and each source of data, with licence and digest.
# custom:
#   check: C25
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["candidate"]
#   evidence: the candidate, the digests seen on disk and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso42001: [A.4.2, A.4.3], iso27001: [A.5.21], eu_ai_act: ["11"]}
#   remediation: Run the evaluation again; it writes evaluate/bom.json from the candidate.
#   runbook: gate_denied
package falaj.release.ml_bom_complete

import rego.v1

judged contains "bill of materials"

fail[subject] contains "it is not a CycloneDX bill of version 1.5 or newer" if {
	subject := "bill of materials"
	is_object(bill)
	not is_bill
}

fail[subject] contains "its model has no model card" if {
	subject := "bill of materials"
	is_object(bill)
	not is_object(object.get(bill, ["metadata", "component", "modelCard"], null))
}

fail[subject] contains sprintf("%v is not in it with its digest", [name]) if {
	subject := "bill of materials"
	is_object(bill)
	some [name, digest] in needed
	line := sprintf("%v %v", [name, digest])
	not line in listed
}

fail[subject] contains sprintf("%v is in it without a licence", [component.name]) if {
	subject := "bill of materials"
	is_object(bill)
	some component in components
	component.type in {"data", "machine-learning-model"}
	count(object.get(component, "licenses", [])) == 0
}

fail[subject] contains "it is not the file that was written" if {
	subject := "bill of materials"
	is_object(bill)
	seen := object.get(observed, path, null)
	seen != null
	seen != object.get(input.candidate, ["documents", path], null)
}

unknown[subject] contains "there is none" if {
	subject := "bill of materials"
	not is_object(bill)
}

unknown[subject] contains "nobody has looked at its file" if {
	subject := "bill of materials"
	is_object(bill)
	object.get(observed, path, null) == null
}

path := "evaluate/bom.json"

bill := object.get(input.candidate, "bom", null)

observed := object.get(input, "observed", {})

is_bill if {
	bill.bomFormat == "CycloneDX"
	bill.specVersion in {"1.5", "1.6", "1.7"}
}

components := object.get(bill, "components", []) if is_object(bill)

listed contains sprintf("%v sha256:%v", [component.name, found.content]) if {
	some component in components
	some found in object.get(component, "hashes", [])
	found.alg == "SHA-256"
}

# What is served, what it was made from, and what it learned from.
needed contains [name, digest] if {
	some name, digest in object.get(input.candidate, ["models", "int8", "files"], {})
}

needed contains [input.candidate.base_model.name, input.candidate.base_model.digest]

needed contains [source.name, source.digest] if {
	some source in object.get(input.candidate, ["data", "sources"], [])
}
