# METADATA
# title: A workflow may do only what it says
# description: |
#   The token of a workflow can often write to the whole repository by default. Each workflow states its permissions, reads only
#   at its top, and names what a single job may write; code from a fork never runs with the rights of the base.
# custom:
#   check: C23
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["repository"]
#   reads: ["workflows"]
#   evidence: the facts read from the checkout and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.2, A.8.4, A.8.31]}
#   remediation: Add permissions with contents read at the top of the workflow, and write permissions on the one job that needs them; use pull_request instead of pull_request_target.
#   runbook: gate_denied
package falaj.repository.workflow_permissions

import rego.v1

judged contains path if some path, _ in input.repository.workflows

fail[path] contains "it does not state its permissions" if {
	some path, workflow in input.repository.workflows
	workflow.error == ""
	workflow.permissions == null
}

fail[path] contains sprintf("every job may write: permissions %v", [workflow.permissions]) if {
	some path, workflow in input.repository.workflows
	workflow.permissions == "write-all"
}

fail[path] contains sprintf("every job may write %v", [scope]) if {
	some path, workflow in input.repository.workflows
	is_object(workflow.permissions)
	some scope, right in workflow.permissions
	right == "write"
}

fail[path] contains sprintf("job %v may write everything", [name]) if {
	some path, workflow in input.repository.workflows
	some name, job in workflow.jobs
	job.permissions == "write-all"
}

fail[path] contains sprintf("it runs on %v, with the rights of the base and the code of a fork", [trigger]) if {
	some path, workflow in input.repository.workflows
	some trigger in workflow.triggers
	trigger == "pull_request_target"
}

unknown[path] contains workflow.error if {
	some path, workflow in input.repository.workflows
	workflow.error != ""
}
