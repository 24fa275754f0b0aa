# METADATA
# title: Every image that runs is traced to a commit of ours and to who built it
# description: |
#   A signature says who stands behind an image, not what is in it. Its provenance says from which commit it was built, and where: by a
#   builder and from a repository that are ours, of a checkout that nobody had changed. Images of others that somebody answers for are
#   not ours to trace.
# custom:
#   check: C23
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-28"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.21, A.8.19, A.8.32], iso42001: [A.10.3]}
#   remediation: Build the image with tools/image.sh from a clean checkout, sign it with falaj image sign, write down what was verified with falaj image verify --document.
#   runbook: image_unsigned
package falaj.evidence.builds_traced

import rego.v1

import data.falaj.lib.evidence

judged contains "build_provenance"

images := [image |
	is_array(evidence.facts.build_provenance.images)
	some image in evidence.facts.build_provenance.images
	is_object(image)
]

name(image) := sprintf("%v", [object.get(image, "digest", "an image without a digest")])

# Somebody answers for it, and is named.
reviewed(image) if {
	is_string(image.reviewed)
	trim_space(image.reviewed) != ""
}

# Ours, and with a provenance that counts.
ours := [image | some image in images; not reviewed(image)]

traced := [image | some image in ours; image.verified == true]

# Who may have built, and from what.
allowed := {"builder": input.parameters.builds.builders, "repository": input.parameters.builds.repositories}

words := {"builder": "was built by %v, who builds nothing of ours", "repository": "was built from %v, which is no repository of ours"}

matches(value, patterns) if {
	some pattern in patterns
	regex.match(pattern, value)
}

fail[subject] contains why if {
	subject := "build_provenance"
	some why in evidence.wrong[subject]
}

fail[subject] contains "it names no image" if {
	subject := "build_provenance"
	evidence.facts[subject].images == []
}

fail[subject] contains "an image is not named by its digest" if {
	subject := "build_provenance"
	some image in images
	not regex.match("^sha256:[0-9a-f]{64}$", name(image))
}

fail[subject] contains sprintf("%v is not traced: %v", [name(image), object.get(image, "why", "")]) if {
	subject := "build_provenance"
	some image in ours
	image.verified == false
}

fail[subject] contains sprintf(concat(" ", ["%v", words[part]]), [name(image), value]) if {
	subject := "build_provenance"
	some image in traced
	some part, patterns in allowed
	value := image[part]
	is_string(value)
	not matches(value, patterns)
}

fail[subject] contains sprintf("%v was built from %v, which is no commit", [name(image), commit]) if {
	subject := "build_provenance"
	some image in traced
	commit := image.commit
	is_string(commit)
	not regex.match("^([0-9a-f]{40}|[0-9a-f]{64})$", commit)
}

fail[subject] contains sprintf("%v was built from a checkout that had been changed", [name(image)]) if {
	subject := "build_provenance"
	some image in traced
	image.clean == false
}

unknown[subject] contains sprintf("whether %v is traced is not said", [name(image)]) if {
	subject := "build_provenance"
	some image in ours
	verified := object.get(image, "verified", null)
	not is_boolean(verified)
}

unknown[subject] contains sprintf("of %v it does not say %v", [name(image), part]) if {
	subject := "build_provenance"
	some image in traced
	some part in ["builder", "repository", "commit"]
	value := object.get(image, part, null)
	not is_string(value)
}

unknown[subject] contains sprintf("of %v it does not say whether the checkout had been changed", [name(image)]) if {
	subject := "build_provenance"
	some image in traced
	clean := object.get(image, "clean", null)
	not is_boolean(clean)
}

unknown[subject] contains what if {
	subject := "build_provenance"
	some what in evidence.unclear[subject]
}

unknown[subject] contains "it does not say images" if {
	subject := "build_provenance"
	said := evidence.facts[subject]
	listed := object.get(said, "images", null)
	not is_array(listed)
}

unknown[subject] contains "an entry of it is no image" if {
	subject := "build_provenance"
	is_array(evidence.facts[subject].images)
	some image in evidence.facts[subject].images
	not is_object(image)
}
