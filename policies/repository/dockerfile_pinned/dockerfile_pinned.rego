# METADATA
# title: An image is built on a digest and runs as nobody
# description: |
#   What an image is built on is part of it: a base by tag is other content tomorrow. And an image that starts as root hands root
#   to whoever gets into it where the cluster does not stop it.
# custom:
#   check: C13
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["repository"]
#   reads: ["dockerfiles"]
#   evidence: the facts read from the checkout and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.21, A.8.2]}
#   remediation: Write FROM <image>@sha256:<digest>, and USER with a number other than 0 at the end of the last stage.
#   runbook: gate_denied
package falaj.repository.dockerfile_pinned

import rego.v1

judged contains path if some path, _ in input.repository.dockerfiles

fail[path] contains sprintf("%v is not named by digest", [image]) if {
	some path, file in input.repository.dockerfiles
	some image in file.images
	not contains(image, "$")
	not regex.match("@sha256:[0-9a-f]{64}$", image)
}

fail[path] contains "it runs as root" if {
	some path, file in input.repository.dockerfiles
	file.error == ""
	root(file.user)
}

unknown[path] contains sprintf("what %v stands for is decided when it is built", [image]) if {
	some path, file in input.repository.dockerfiles
	some image in file.images
	contains(image, "$")
}

unknown[path] contains file.error if {
	some path, file in input.repository.dockerfiles
	file.error != ""
}

root(user) if user == null

root(user) if {
	is_string(user)
	regex.match("^(root|0)(:.*)?$", user)
}
