# METADATA
# title: It can be found whose rows a model was trained on
# description: |
#   Who asks to be erased has a right to be erased from training data too. The data set has a map from each subject, named by
#   digest only, to its rows, and the map covers all rows; so every model that must be trained again can be named.
# custom:
#   check: C30
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["candidate"]
#   evidence: the candidate, the digests seen on disk and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {gdpr: ["17", "15"], uae_pdpl: ["15"], iso27001: [A.8.10]}
#   remediation: Run prepare again; it writes prepare/erasure.json over the groups of the rows. Name a group per person in data of your own.
#   runbook: gate_denied
package falaj.release.erasure_map

import rego.v1

judged contains "erasure map"

fail[subject] contains sprintf("it covers %v rows of %v", [covered, total]) if {
	subject := "erasure map"
	is_object(map)
	covered := object.get(map, "rows", 0)
	covered != total
}

fail[subject] contains sprintf("it has no %v", [field]) if {
	subject := "erasure map"
	is_object(map)
	some field in ["by", "how", "file", "digest"]
	object.get(map, field, "") in {"", null}
}

fail[subject] contains "it names no subject" if {
	subject := "erasure map"
	is_object(map)
	object.get(map, "subjects", 0) == 0
}

fail[subject] contains "it is not the file that was written" if {
	subject := "erasure map"
	is_object(map)
	seen := object.get(observed, object.get(map, "file", ""), null)
	seen != null
	seen != object.get(map, "digest", null)
}

unknown[subject] contains "there is none" if {
	subject := "erasure map"
	not is_object(map)
}

unknown[subject] contains "nobody has looked at its file" if {
	subject := "erasure map"
	is_object(map)
	object.get(map, "file", "") != ""
	object.get(observed, map.file, null) == null
}

map := object.get(input.candidate, ["data", "erasure"], null)

observed := object.get(input, "observed", {})

counts := object.get(input.candidate, ["data", "rows"], {})

total := (object.get(counts, "train", 0) + object.get(counts, "validation", 0)) + object.get(counts, "test", 0)
