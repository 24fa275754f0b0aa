# METADATA
# title: Compression costs little quality
# description: |
#   The compressed model is what people get, so it is held to the full one: on every task it loses at most the allowed share of
#   the full model's score.
# custom:
#   check: C27
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["candidate"]
#   evidence: the candidate, the digests seen on disk and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso42001: [A.6.2.4], gdpr: ["5(1)(d)"], eu_ai_act: ["15"]}
#   remediation: Leave the sensitive layers in full precision, calibrate on data like the test split, or serve the full model.
#   runbook: gate_denied
package falaj.release.compression_loss

import rego.v1

import data.falaj.lib.release

judged contains subject if some subject, _ in compressed

judged contains "models" if count(compressed) == 0

fail[subject] contains sprintf("%v fell from %v to %v, a loss of %v; at most %v is allowed", [
	release.metric(about.task), full, small,
	release.percent((full - small) / full),
	release.percent(input.parameters.release.maximum_compression_loss),
]) if {
	some subject, about in compressed
	full := release.score("full", about.task)
	small := release.score(about.model, about.task)
	full > 0
	full - small > input.parameters.release.maximum_compression_loss * full
}

unknown[subject] contains sprintf("%v of %v was not measured", [release.metric(about.task), model]) if {
	some subject, about in compressed
	some model in ["full", about.model]
	not release.measured(model, about.task)
}

unknown[subject] contains "the full model scores nothing, so nothing can be lost" if {
	some subject, about in compressed
	release.score("full", about.task) <= 0
}

unknown[subject] contains "there is no compressed model to compare with the full one" if {
	subject := "models"
	count(compressed) == 0
}

compressed[subject] := about if {
	some subject, about in release.subjects
	about.model != "full"
}
