# METADATA
# title: Every image that runs is signed and says what is in it
# description: |
#   A digest says that an image did not change; a signature says who made it, and a bill of materials what is in it. A document
#   lists the images that run, with both.
# custom:
#   check: C13
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.21, A.8.19], iso42001: [A.10.3]}
#   remediation: Sign the images and attach a bill of materials when they are built; write what was verified down with falaj evidence new image_attestations.
#   runbook: gate_denied
package falaj.evidence.images_attested

import rego.v1

import data.falaj.lib.evidence

judged contains "image_attestations"

fail[subject] contains why if {
	subject := "image_attestations"
	some why in evidence.wrong[subject]
}

fail[subject] contains sprintf("%v is not %v", [digest, word]) if {
	subject := "image_attestations"
	said := evidence.facts[subject]
	is_array(said.images)
	some image in said.images
	digest := object.get(image, "digest", "an image without a digest")
	some field, word in {"signed": "signed", "bill_of_materials": "listed with what is in it"}
	object.get(image, field, null) == false
}

fail[subject] contains "an image is not named by its digest" if {
	subject := "image_attestations"
	said := evidence.facts[subject]
	is_array(said.images)
	some image in said.images
	digest := object.get(image, "digest", "")
	not regex.match("^sha256:[0-9a-f]{64}$", sprintf("%v", [digest]))
}

fail[subject] contains "it names no image" if {
	subject := "image_attestations"
	said := evidence.facts[subject]
	said.images == []
}

unknown[subject] contains sprintf("whether %v is attested is not said", [digest]) if {
	subject := "image_attestations"
	said := evidence.facts[subject]
	is_array(said.images)
	some image in said.images
	digest := object.get(image, "digest", "an image without a digest")
	some field in ["signed", "bill_of_materials"]
	object.get(image, field, null) == null
}

unknown[subject] contains what if {
	subject := "image_attestations"
	some what in evidence.unclear[subject]
}

unknown[subject] contains sprintf("it does not say %v", [field]) if {
	subject := "image_attestations"
	said := evidence.facts[subject]
	some field, right in {"images": true}
	not stated(object.get(said, field, null), right)
}

# Where the second is true, a list is asked for.
stated(value, true) if is_array(value)
