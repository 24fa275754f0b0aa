# METADATA
# title: Reading a candidate
# description: Scores of a model release by model and task. A score that is missing is unknown, never good and never bad.
package falaj.lib.release

import rego.v1

evaluation := object.get(input.candidate, "evaluation", {})

tasks := object.get(evaluation, "tasks", {})

models := object.get(input.candidate, "models", {})

# What rules judge: one subject for each model on each task.
subjects[subject] := {"model": model, "task": task} if {
	some model, _ in models
	some task, _ in tasks
	subject := sprintf("%v/%v", [model, task])
}

metric(task) := object.get(tasks[task], "metric", "no metric")

# Undefined where it was not measured.
score(model, task) := value if {
	name := metric(task)
	value := evaluation.models[model][task][name]
	is_number(value)
}

# Asked instead of `not score(...) >= 0`, which OPA takes for undefined where there is no score.
measured(model, task) if is_number(score(model, task))

percent(value) := sprintf("%v %%", [round(value * 1000) / 10])
