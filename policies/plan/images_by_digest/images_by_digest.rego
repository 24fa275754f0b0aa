# METADATA
# title: An image is named by digest and comes from our registry
# description: A tag can be moved to other content after it was reviewed; a digest cannot. Other registries are outside our scans and our country.
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
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.21, A.8.19], iso42001: [A.10.3]}
#   remediation: Write the image as <our registry>/<name>@sha256:<digest>.
#   runbook: gate_denied
package falaj.plan.images_by_digest

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.pods

judged contains urn if some urn, _ in pods.specs

judged contains urn if some urn in pods.charts

fail[urn] contains sprintf("%v is not named by digest", [image]) if {
	some [urn, image] in pods.images
	image in loose
}

fail[urn] contains sprintf("%v is not from a registry of ours", [image]) if {
	some [urn, image] in pods.images
	image in foreign
}

# Many pods run the same images, so each is read once.
named := {image | some [_, image] in pods.images; is_string(image)}

loose := {image | some image in named; not regex.match("@sha256:[0-9a-f]{64}$", image)}

foreign := {image |
	some image in named
	count([1 | some pattern in input.parameters.image_registries; regex.match(pattern, image)]) == 0
}

fail[urn] contains "a container names no image" if {
	some [urn, image] in pods.images
	not is_string(image)
	not plan.hidden(image)
}

unknown[urn] contains "what is in the pod is not known before an apply" if {
	some urn in pods.opaque_pods
}

unknown[urn] contains "the pods of a chart are not in the plan" if some urn in pods.charts

unknown[urn] contains "an image is not known before an apply" if {
	some [urn, image] in pods.images
	plan.hidden(image)
}
