# METADATA
# title: What is released is what was evaluated
# description: Each file that the candidate names is there, with the digest that the candidate gives; the gate looks for itself and believes no claim.
# custom:
#   check: C24
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["candidate", "observed"]
#   evidence: the candidate, the digests seen on disk and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.19, A.8.32], iso42001: [A.6.2.5], eu_ai_act: ["15"]}
#   remediation: Run the stages again from the one whose output differs; never edit a file of a finished stage.
#   runbook: gate_denied
package falaj.release.digests_match

import rego.v1

import data.falaj.lib.release

judged contains path if some path, _ in claimed

judged contains model if some model in empty

fail[path] contains sprintf("its digest is %v, and the candidate says %v", [observed[path], digest]) if {
	some path, digest in claimed
	observed[path] != digest
}

fail[path] contains "it is not there" if {
	some path, _ in claimed
	count(observed) > 0
	not observed[path]
}

fail[path] contains "it lies outside the run" if {
	some path, _ in claimed
	regex.match(`(^/)|(^|/)\.\.(/|$)`, path)
}

fail[model] contains "it names no file" if some model in empty

unknown[path] contains "nobody has looked at the files" if {
	some path, _ in claimed
	count(observed) == 0
}

observed := object.get(input, "observed", {})

claimed[path] := digest if {
	some model, _ in release.models
	some path, digest in object.get(release.models[model], "files", {})
}

empty contains model if {
	some model, about in release.models
	count(object.get(about, "files", {})) == 0
}
