# METADATA
# title: An image that runs was signed by somebody of ours, or somebody answers for it
# description: |
#   A digest says that an image is what was reviewed, not who built it. The gate verifies the signatures in policies/images and tells
#   this rule which digests may run; images of others are named there one by one, with an owner and a last day.
# custom:
#   check: C13
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects:
#     - "kubernetes:apps/v1:DaemonSet"
#     - "kubernetes:apps/v1:Deployment"
#     - "kubernetes:apps/v1:ReplicaSet"
#     - "kubernetes:apps/v1:StatefulSet"
#     - "kubernetes:batch/v1:CronJob"
#     - "kubernetes:batch/v1:Job"
#     - "kubernetes:core/v1:Pod"
#     - "kubernetes:core/v1:ReplicationController"
#     - "kubernetes:helm.sh/v3:Release"
#     - "kubernetes:jobset.x-k8s.io/v1alpha2:JobSet"
#   evidence: the plan and its decision, with the parameters that name each image
#   since: "2026-11-27"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.21, A.8.19], iso42001: [A.10.3]}
#   remediation: Sign it with falaj image sign, or have it reviewed in policies/images/reviewed.json.
#   runbook: image_unsigned
package falaj.plan.images_signed

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.pods

judged contains urn if some urn, _ in pods.specs

judged contains urn if some urn in pods.charts

fail[urn] contains sprintf("%v may not run: %v", [image, why]) if {
	input.parameters.images.signed
	some [urn, image] in pods.images
	is_string(image)
	why := doubt(image)
	why != ""
}

fail[urn] contains "a container names no image, and nobody can have signed it" if {
	input.parameters.images.signed
	some [urn, image] in pods.images
	not is_string(image)
	not plan.hidden(image)
}

unknown[urn] contains "what is in the pod is not known before an apply" if {
	input.parameters.images.signed
	some urn in pods.opaque_pods
}

unknown[urn] contains "the pods of a chart are not in the plan" if {
	input.parameters.images.signed
	some urn in pods.charts
}

unknown[urn] contains "an image is not known before an apply" if {
	input.parameters.images.signed
	some [urn, image] in pods.images
	plan.hidden(image)
}

# Why an image may not run, by its digest; nothing where it may.
doubt(image) := object.get(input.parameters.known_images, digest, "nobody whose signature counts has signed it") if {
	parts := split(image, "@")
	digest := parts[count(parts) - 1]
}
