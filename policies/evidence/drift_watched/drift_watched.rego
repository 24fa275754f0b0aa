# METADATA
# title: Live requests were compared lately, and drift was acted on
# description: |
#   A schedule that is set up is not a comparison that took place. A document says when live requests were last compared with the
#   reference, what came out and, where it was drift, what was done.
# custom:
#   check: C28
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso42001: [A.6.2.6], eu_ai_act: ["72", "26"]}
#   remediation: Run falaj drift, write down what came of it with falaj evidence new drift_run, and sign it.
#   runbook: drift_alarm
package falaj.evidence.drift_watched

import rego.v1

import data.falaj.lib.evidence

judged contains "drift_run"

fail[subject] contains why if {
	subject := "drift_run"
	some why in evidence.wrong[subject]
}

fail[subject] contains "it found drift, and nothing was done about it" if {
	subject := "drift_run"
	said := evidence.facts[subject]
	said.state == "drift"
	not stated(object.get(said, "action", null))
}

fail[subject] contains sprintf("its state is %v, which no drift run ends in", [state]) if {
	subject := "drift_run"
	said := evidence.facts[subject]
	state := said.state
	is_string(state)
	not state in {"ok", "drift", "too_little_data"}
}

unknown[subject] contains what if {
	subject := "drift_run"
	some what in evidence.unclear[subject]
}

unknown[subject] contains sprintf("it does not say %v", [field]) if {
	subject := "drift_run"
	said := evidence.facts[subject]
	some field in ["state", "release"]
	not stated(object.get(said, field, null))
}

stated(value) if {
	value != null
	value != ""
}
