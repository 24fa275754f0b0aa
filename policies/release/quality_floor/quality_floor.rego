# METADATA
# title: A released model is good enough on every task
# description: Each model of the release reaches the floor of each task, measured on enough rows for the figure to mean something.
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
#   remediation: Train longer or on more data, then evaluate again; a floor is changed in policies/data, by review.
#   runbook: gate_denied
package falaj.release.quality_floor

import rego.v1

import data.falaj.lib.release

judged contains subject if some subject, _ in release.subjects

judged contains "evaluation" if count(release.subjects) == 0

fail[subject] contains sprintf("%v is %v; at least %v is needed", [release.metric(about.task), value, floor(about.task)]) if {
	some subject, about in release.subjects
	value := release.score(about.model, about.task)
	value < floor(about.task)
}

unknown[subject] contains sprintf("%v was not measured", [release.metric(about.task)]) if {
	some subject, about in release.subjects
	not release.measured(about.model, about.task)
}

unknown[subject] contains sprintf("no floor is set for %v", [release.metric(about.task)]) if {
	some subject, about in release.subjects
	not has_floor(about.task)
}

unknown[subject] contains sprintf("it was measured on %v rows; %v are needed", [rows, input.parameters.release.minimum_rows]) if {
	some subject, about in release.subjects
	rows := object.get(release.tasks[about.task], "rows", 0)
	rows < input.parameters.release.minimum_rows
}

unknown[subject] contains "no model was evaluated on any task" if {
	subject := "evaluation"
	count(release.subjects) == 0
}

has_floor(task) if is_number(floor(task))

floor(task) := input.parameters.release.quality_floor.tasks[task]

floor(task) := input.parameters.release.quality_floor.metrics[metric] if {
	metric := release.metric(task)
	not task in object.keys(input.parameters.release.quality_floor.tasks)
}
