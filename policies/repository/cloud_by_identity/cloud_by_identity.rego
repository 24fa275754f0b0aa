# METADATA
# title: A workflow reaches the cloud by its identity, with no key
# description: |
#   A key to the cloud that is stored with the repository works from anywhere, for anybody, until somebody revokes it. Workflows
#   prove who they are (OpenID Connect) and get a role for the time of one job.
# custom:
#   check: C23
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["repository"]
#   reads: ["workflows"]
#   evidence: the facts read from the checkout and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.16, A.5.17, A.8.5], uae_pdpl: ["20"], gdpr: ["32(1)(b)"]}
#   remediation: Give the job id-token write and configure-aws-credentials a role-to-assume; delete the stored keys and revoke them.
#   runbook: gate_denied
package falaj.repository.cloud_by_identity

import rego.v1

judged contains path if some path, _ in input.repository.workflows

fail[path] contains sprintf("it uses the stored key %v", [name]) if {
	some path, workflow in input.repository.workflows
	some name in workflow.secrets
	regex.match(input.parameters.repository.cloud_secrets, name)
}

fail[path] contains sprintf("job %v asks for the cloud without a role", [name]) if {
	some path, workflow in input.repository.workflows
	some name, job in workflow.jobs
	some step in job.steps
	startswith(step.uses, "aws-actions/configure-aws-credentials@")
	object.get(step["with"], "role-to-assume", "") == ""
}

fail[path] contains sprintf("job %v may not ask for its identity (id-token)", [name]) if {
	some path, workflow in input.repository.workflows
	some name, job in workflow.jobs
	some step in job.steps
	startswith(step.uses, "aws-actions/configure-aws-credentials@")
	not identified(job, workflow)
}

unknown[path] contains workflow.error if {
	some path, workflow in input.repository.workflows
	workflow.error != ""
}

# A job's own permissions replace those of its workflow.
identified(job, _) if job.permissions["id-token"] == "write"

identified(job, workflow) if {
	job.permissions == null
	workflow.permissions["id-token"] == "write"
}
