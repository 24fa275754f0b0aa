# METADATA
# title: The model does better than no model
# description: |
#   On tasks that it was trained for, each model beats the simplest answer anybody could give (always the most frequent one, or the
#   first words) by the points that its task demands; a model that does not is a cost without a use.
# custom:
#   check: C27
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["candidate"]
#   evidence: the candidate, the digests seen on disk and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso42001: [A.6.2.4], eu_ai_act: ["15"]}
#   remediation: Look at the data card for a task that cannot be learned from its input; train longer, or take the task out of the release.
#   runbook: gate_denied
package falaj.release.beats_baseline

import rego.v1

import data.falaj.lib.release

judged contains subject if some subject, _ in held

judged contains "evaluation" if count(held) == 0

fail[subject] contains sprintf("%v is %v points above the %v baseline; %v are needed", [
	release.metric(about.task), round((value - base) * 1000) / 10, name, about.points,
]) if {
	some subject, about in held
	value := release.score(about.model, about.task)
	some name, base in baselines(about.task)
	(value - base) * 100 < about.points
}

unknown[subject] contains sprintf("%v was not measured", [release.metric(about.task)]) if {
	some subject, about in held
	not release.measured(about.model, about.task)
}

unknown[subject] contains "no baseline was measured" if {
	some subject, about in held
	count(baselines(about.task)) == 0
}

held[subject] := object.union(about, {"points": points}) if {
	some subject, about in release.subjects
	points := input.parameters.release.points_above_baseline[about.task]
}

baselines(task) := {name: value |
	metric := release.metric(task)
	some name, scores in object.get(release.evaluation, "baselines", {})
	value := scores[task][metric]
	is_number(value)
}
