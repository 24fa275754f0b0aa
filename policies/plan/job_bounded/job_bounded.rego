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
#   subjects: ["kubernetes:batch/v1:Job", "kubernetes:batch/v1:CronJob", "kubernetes:jobset.x-k8s.io/v1alpha2:JobSet"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.6], iso42001: [A.4.5]}
#   remediation: Set activeDeadlineSeconds, backoffLimit and ttlSecondsAfterFinished on the job, and concurrencyPolicy Forbid or Replace on its schedule.
#   runbook: gate_denied
package falaj.plan.job_bounded

import rego.v1

import data.falaj.lib.plan

judged contains urn if some urn, _ in ended

fail[urn] contains why if some [urn, why, "broken"] in findings

unknown[urn] contains sprintf("not known before an apply: whether %v", [why]) if some [urn, why, "unknown"] in findings

findings contains [urn, "it has no activeDeadlineSeconds", fact] if {
	some [urn, spec] in jobs
	value := plan.at(spec, ["activeDeadlineSeconds"])
	not is_number(value)
	fact := plan.fact(value, false)
}

findings contains [urn, "it has no ttlSecondsAfterFinished", fact] if {
	some urn, spec in ended
	value := plan.at(spec, ["ttlSecondsAfterFinished"])
	not is_number(value)
	fact := kept(value, object.get(owners, urn, null))
	fact != "ok"
}

# A set that is started over has its whole time again.
findings contains [urn, sprintf("it may run for more than %v seconds", [input.parameters.workloads.longest_job_seconds]), "broken"] if {
	some [urn, spec] in jobs
	is_number(spec.activeDeadlineSeconds)
	spec.activeDeadlineSeconds * (1 + object.get(counted, urn, 0)) > input.parameters.workloads.longest_job_seconds
}

# Kubernetes tries six times more where nobody says how often.
findings contains [urn, sprintf("it is tried again more than %v times", [input.parameters.workloads.maximum_retries]), fact] if {
	some [urn, spec] in jobs
	value := plan.at(spec, ["backoffLimit"])
	fact := tries(value, 6)
	fact != "ok"
}

findings contains [urn, sprintf("it is started over more than %v times", [input.parameters.workloads.maximum_retries]), fact] if {
	some urn, value in restarts
	fact := tries(value, 0)
	fact != "ok"
}

findings contains [set.urn, "it may be started over without end", fact] if {
	some set in sets
	some each in plan.listed(plan.at(set.inputs, ["spec", "failurePolicy", "rules"]))
	action := plan.at(each, ["action"])
	fact := plan.fact(action, action in {"FailJobSet", "RestartJobSet", "RestartJob"})
	fact != "ok"
}

findings contains [schedule.urn, "a run may overtake the one before it", fact] if {
	some schedule in schedules
	value := plan.at(schedule.inputs, ["spec", "concurrencyPolicy"])
	fact := plan.fact(value, value in {"Forbid", "Replace"})
	fact != "ok"
}

# URN -> what says how long the work is kept after its end.
ended[job.urn] := object.get(job.inputs, "spec", null) if some job in plan.of_type("kubernetes:batch/v1:Job")

ended[schedule.urn] := plan.at(schedule.inputs, ["spec", "jobTemplate", "spec"]) if some schedule in schedules

ended[set.urn] := object.get(set.inputs, "spec", null) if some set in sets

# URN of a job -> what owns it. The controller of JobSets makes jobs that say nothing of their own end; at a cluster's door they come by.
owners := {job.urn: plan.at(job.inputs, ["metadata", "ownerReferences"]) | some job in plan.of_type("kubernetes:batch/v1:Job")}

# [URN, specification] of each job that is made.
jobs contains [urn, spec] if {
	some urn, spec in ended
	not urn in urns_of_sets
}

jobs contains [set.urn, plan.at(job, ["template", "spec"])] if {
	some set in sets
	some job in plan.listed(plan.at(set.inputs, ["spec", "replicatedJobs"]))
}

# URN of a set -> how often all of it may be started over.
restarts := {set.urn: plan.at(set.inputs, ["spec", "failurePolicy", "maxRestarts"]) | some set in sets}

counted := {urn: value | some urn, value in restarts; is_number(value)}

schedules := plan.of_type("kubernetes:batch/v1:CronJob")

sets := plan.of_type("kubernetes:jobset.x-k8s.io/v1alpha2:JobSet")

urns_of_sets := {set.urn | some set in sets}

kept(value, owned) := "ok" if {
	of_sets(owned)
} else := "unknown" if {
	plan.holds_hidden(owned)
} else := plan.fact(value, false)

# A set that is judged removes its own. Whoever makes a job may name an owner that is not there, or not theirs: a cluster's collector of
# garbage removes the job with the last of its owners, as long as it knows their kind. So nothing else may own it beside.
of_sets(owned) if {
	listed := plan.listed(owned)
	true in {owner.controller | some owner in listed}
	every owner in listed {
		owner.apiVersion == "jobset.x-k8s.io/v1alpha2"
		owner.kind == "JobSet"
	}
}

tries(value, _) := "unknown" if plan.hidden(value)

tries(value, unsaid) := plan.fact(value, tried(value, unsaid) <= input.parameters.workloads.maximum_retries) if not plan.hidden(value)

tried(value, _) := value if is_number(value)

tried(value, unsaid) := unsaid if value == null

# What is no number is tried for ever, as far as anybody can say.
tried(value, _) := 1000000000 if plan.misread(value)
