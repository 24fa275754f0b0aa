# METADATA
# title: What watches the account is there and on
# description: |
#   Where a trail is made, a detector and a recorder of changes are made too, and none of them is switched off: a detector that is
#   off finds nothing, and a recorder of some types only cannot say what changed.
# custom:
#   check: C15
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects:
#     - "aws:guardduty/detector:Detector"
#     - "aws:guardduty/detectorFeature:DetectorFeature"
#     - "aws:cfg/recorder:Recorder"
#     - "aws:cfg/recorderStatus:RecorderStatus"
#     - "aws:cloudtrail/trail:Trail"
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.7, A.8.16], gdpr: ["33"], uae_pdpl: ["9"]}
#   remediation: Add a GuardDuty detector and an AWS Config recorder with its status beside the trail; leave enable on and record all supported types.
#   runbook: gate_denied
package falaj.plan.watching_on

import rego.v1

import data.falaj.lib.plan

judged contains one.urn if some one in plan.of_types({type | some type, _ in switches} | {"aws:cloudtrail/trail:Trail"})

fail[trail.urn] contains sprintf("no %v stands beside it", [what]) if {
	some trail in plan.of_type("aws:cloudtrail/trail:Trail")
	some what, type in needed
	count(plan.of_type(type)) == 0
}

fail[urn] contains sprintf("%v is not on", [concat(".", path)]) if {
	some [urn, path, value] in not_on
	not plan.hidden(value)
}

unknown[urn] contains sprintf("%v is not known before an apply", [concat(".", path)]) if {
	some [urn, path, value] in not_on
	plan.hidden(value)
}

not_on contains [one.urn, switch.path, value] if {
	some type, switch in switches
	some one in plan.of_type(type)
	value := setting(one, switch)
	value != switch.on
}

needed := {
	"detector": "aws:guardduty/detector:Detector",
	"recorder of changes": "aws:cfg/recorder:Recorder",
	"status that starts a recorder": "aws:cfg/recorderStatus:RecorderStatus",
}

# Type -> the setting that turns it on, and what it is where nothing is said.
switches := {
	"aws:guardduty/detector:Detector": {"path": ["enable"], "on": true, "unsaid": true},
	"aws:guardduty/detectorFeature:DetectorFeature": {"path": ["status"], "on": "ENABLED", "unsaid": ""},
	"aws:cfg/recorder:Recorder": {"path": ["recordingGroup", "allSupported"], "on": true, "unsaid": true},
	"aws:cfg/recorderStatus:RecorderStatus": {"path": ["isEnabled"], "on": true, "unsaid": false},
}

setting(one, switch) := value if {
	value := plan.at(one.inputs, switch.path)
	value != null
} else := switch.unsaid
