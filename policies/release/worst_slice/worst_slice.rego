# METADATA
# title: No part of the data is left behind
# description: |
#   A good average hides the part of the data that a model fails on. Each slice with enough rows reaches its share of the task's
#   score, and compression costs none of them more than the bound.
# custom:
#   check: C27
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["candidate"]
#   evidence: the candidate, the digests seen on disk and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso42001: [A.6.2.4, A.5.4], gdpr: ["5(1)(d)"], eu_ai_act: ["10", "15"]}
#   remediation: Look at the slices in eval.json; bring more rows like the worst one, or leave the layers it needs in full precision.
#   runbook: gate_denied
package falaj.release.worst_slice

import rego.v1

import data.falaj.lib.release

judged contains subject if some subject, _ in found

judged contains subject if some subject, _ in unknown

judged contains "slices" if count(found) == 0

fail[subject] contains sprintf("it reaches %v; its task reaches %v, and %v of that is the floor", [slice.score, about.overall, release.percent(bound.floor)]) if {
	some subject, about in found
	slice := about.slice
	slice.score < bound.floor * about.overall
}

fail[subject] contains sprintf("compression took it from %v to %v, more than %v", [full, about.slice.score, release.percent(bound.maximum_loss)]) if {
	some subject, about in found
	about.model != "full"
	full := object.get(measured, ["full", about.task, about.name, "score"], null)
	is_number(full)
	full - about.slice.score > bound.maximum_loss * full
}

unknown[subject] contains "no slices were measured" if {
	subject := "slices"
	count(found) == 0
}

unknown[subject] contains "it does not say its score, or on how many rows" if {
	some subject, slice in every_slice
	count([1 | some field in ["score", "rows"]; is_number(object.get(slice, field, null))]) < 2
}

bound := input.parameters.release.slices

measured := object.get(release.evaluation, "slices", {})

every_slice[subject] := slice if {
	some model, _ in release.models
	some task, slices in object.get(measured, model, {})
	some name, slice in slices
	subject := sprintf("%v/%v/%v", [model, task, name])
}

# Slices that are large enough to say something, of the models that may be released.
found[subject] := {"model": model, "task": task, "name": name, "slice": slice, "overall": overall} if {
	some model, _ in release.models
	some task, slices in object.get(measured, model, {})
	overall := release.score(model, task)
	some name, slice in slices
	is_number(slice.score)
	slice.rows >= bound.minimum_rows
	subject := sprintf("%v/%v/%v", [model, task, name])
}
