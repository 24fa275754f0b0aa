# METADATA
# title: A workflow runs actions by commit
# description: |
#   A tag of an action can be moved to other code after it was reviewed, and that code runs with the rights of the workflow. A
#   full commit cannot be moved. Actions of the same repository and images by digest are as good.
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
#   controls: {iso27001: [A.5.21, A.8.28, A.8.19]}
#   remediation: Write every uses as OWNER/ACTION@<40 hex digits of the commit>, with the version as a comment.
#   runbook: gate_denied
package falaj.repository.actions_pinned

import rego.v1

judged contains path if some path, _ in input.repository.workflows

fail[path] contains sprintf("%v is not pinned to a commit", [action]) if {
	some path, workflow in input.repository.workflows
	some job in workflow.jobs
	some action in job.uses
	not pinned(action)
}

unknown[path] contains workflow.error if {
	some path, workflow in input.repository.workflows
	workflow.error != ""
}

pinned(action) if regex.match("^[^@ ]+@[0-9a-f]{40}$", action)

pinned(action) if startswith(action, "./")

pinned(action) if regex.match("^docker://[^@ ]+@sha256:[0-9a-f]{64}$", action)
