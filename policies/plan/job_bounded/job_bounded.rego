# METADATA
# title: A job ends, by itself and for good
# description: |
#   A job without a deadline holds its GPU until somebody looks; one that is retried without end burns money for the same error;
#   one that is never removed fills the cluster; a schedule that overtakes itself doubles all of it.
# custom:
#   check: C10
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["kubernetes:batch/v1:Job", "kubernetes:batch/v1:CronJob"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.6], iso42001: [A.4.5]}
#   remediation: Set activeDeadlineSeconds, backoffLimit and ttlSecondsAfterFinished on the job, and concurrencyPolicy Forbid or Replace on its schedule.
#   runbook: gate_denied
package falaj.plan.job_bounded

import rego.v1

import data.falaj.lib.plan

judged contains urn if some urn, _ in jobs

fail[urn] contains why if some [urn, why, "broken"] in findings

unknown[urn] contains sprintf("not known before an apply: whether %v", [why]) if some [urn, why, "unknown"] in findings

findings contains [urn, sprintf("it has no %v", [field]), fact] if {
	some urn, spec in jobs
	some field in ["activeDeadlineSeconds", "ttlSecondsAfterFinished"]
	value := plan.at(spec, [field])
	not is_number(value)
	fact := plan.fact(value, false)
}

findings contains [urn, sprintf("it may run for more than %v seconds", [input.parameters.workloads.longest_job_seconds]), "broken"] if {
	some urn, spec in jobs
	is_number(spec.activeDeadlineSeconds)
	spec.activeDeadlineSeconds > input.parameters.workloads.longest_job_seconds
}

# Kubernetes tries six times more where nobody says how often.
findings contains [urn, sprintf("it is tried again more than %v times", [input.parameters.workloads.maximum_retries]), fact] if {
	some urn, spec in jobs
	value := plan.at(spec, ["backoffLimit"])
	fact := tries(value)
	fact != "ok"
}

findings contains [schedule.urn, "a run may overtake the one before it", fact] if {
	some schedule in schedules
	value := plan.at(schedule.inputs, ["spec", "concurrencyPolicy"])
	fact := plan.fact(value, value in {"Forbid", "Replace"})
	fact != "ok"
}

jobs[job.urn] := object.get(job.inputs, "spec", null) if some job in plan.of_type("kubernetes:batch/v1:Job")

jobs[schedule.urn] := plan.at(schedule.inputs, ["spec", "jobTemplate", "spec"]) if some schedule in schedules

schedules := plan.of_type("kubernetes:batch/v1:CronJob")

tries(value) := "unknown" if plan.hidden(value)

tries(value) := plan.fact(value, tried(value) <= input.parameters.workloads.maximum_retries) if not plan.hidden(value)

tried(value) := value if is_number(value)

tried(value) := 6 if value == null

# What is no number is tried for ever, as far as anybody can say.
tried(value) := 1000000000 if plan.misread(value)
