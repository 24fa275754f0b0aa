# METADATA
# title: What is installed is named by version and digest
# description: |
#   A dependency without an exact version is whatever somebody published this morning; without a digest it is whatever the
#   registry hands out. Locks make an installation repeatable, and a scan of them means something.
# custom:
#   check: C33
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["repository"]
#   reads: ["locks", "declares_dependencies"]
#   evidence: the facts read from the checkout and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.21, A.8.8, A.8.19]}
#   remediation: Resolve the dependencies into requirements/*.txt with exact versions and sha256 digests (make lock), and install with --require-hashes.
#   runbook: gate_denied
package falaj.repository.dependencies_locked

import rego.v1

judged contains path if some path, _ in input.repository.locks

judged contains path if some path in unlocked

fail[path] contains "it declares dependencies, and there is no lock" if some path in unlocked

fail[path] contains sprintf("%v has no exact version", [name]) if {
	some path, lock in input.repository.locks
	some name in lock.without_version
}

fail[path] contains sprintf("%v has no digest", [name]) if {
	some path, lock in input.repository.locks
	some name in lock.without_digest
}

fail[path] contains "it names no package" if {
	some path, lock in input.repository.locks
	lock.error == ""
	lock.packages == 0
}

unknown[path] contains lock.error if {
	some path, lock in input.repository.locks
	lock.error != ""
}

unlocked contains path if {
	count(input.repository.locks) == 0
	some path in input.repository.declares_dependencies
}
