package falaj.plan.images_signed_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.images_signed as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

job := given.urn("kubernetes:batch/v1:Job", "train")

of(image) := given.plan([given.resource("kubernetes:batch/v1:Job", "train", {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}})])

unsigned(asked) := object.union(asked, {"parameters": {"images": {"signed": false}}})

signed := "ours/falaj-train@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

ended := "others/queue@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

stranger := "others/queue@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

test_allowed_signed if answer == {"judged": {job}, "fail": {}, "unknown": {}} with input as of(signed)

test_denied_a_review_that_ended if {
	answer == {"judged": {job}, "fail": {job: {"others/queue@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb may not run: somebody answered for it until 2025-12-31"}}, "unknown": {}} with input as of(ended)
}

test_denied_nobody_knows_it if {
	answer == {"judged": {job}, "fail": {job: {"others/queue@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc may not run: nobody whose signature counts has signed it"}}, "unknown": {}} with input as of(stranger)
}

test_denied_a_number_for_an_image if {
	answer == {"judged": {job}, "fail": {job: {"a container names no image, and nobody can have signed it"}}, "unknown": {}} with input as of(1)
}

test_unknown_an_unknown_image if {
	answer == {"judged": {job}, "fail": {}, "unknown": {job: {"an image is not known before an apply"}}} with input as of(given.unknown)
}

# Where signatures are not asked for, nothing fails for want of one, and nothing waits for it.
test_allowed_where_nobody_asks if {
	every image in [stranger, 1, given.unknown] {
		answer == {"judged": {job}, "fail": {}, "unknown": {}} with input as unsigned(of(image))
	}
}

test_allowed_a_hidden_pod_where_nobody_asks if {
	pod := given.plan([given.resource("kubernetes:batch/v1:Job", "train", {"spec": {"template": {"spec": given.unknown}}})])
	answer == {"judged": {job}, "fail": {}, "unknown": {}} with input as unsigned(pod)
}

test_allowed_a_chart_where_nobody_asks if {
	chart := given.plan([given.resource("kubernetes:helm.sh/v3:Release", "chart", {"chart": "x"})])
	answer == {"judged": {given.urn("kubernetes:helm.sh/v3:Release", "chart")}, "fail": {}, "unknown": {}} with input as unsigned(chart)
}
