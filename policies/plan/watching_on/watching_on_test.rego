package falaj.plan.watching_on_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.watching_on as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_all_beside_a_trail_and_on if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cfg/recorder:Recorder::r", "urn:pulumi:prod::app::aws:cfg/recorderStatus:RecorderStatus::s", "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "urn:pulumi:prod::app::aws:guardduty/detector:Detector::d", "urn:pulumi:prod::app::aws:guardduty/detectorFeature:DetectorFeature::f"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:guardduty/detector:Detector::d", "type": "aws:guardduty/detector:Detector", "name": "d", "op": "create", "custom": true, "inputs": {"enable": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cfg/recorder:Recorder::r", "type": "aws:cfg/recorder:Recorder", "name": "r", "op": "create", "custom": true, "inputs": {"recordingGroup": {"allSupported": true}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cfg/recorderStatus:RecorderStatus::s", "type": "aws:cfg/recorderStatus:RecorderStatus", "name": "s", "op": "create", "custom": true, "inputs": {"isEnabled": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:guardduty/detectorFeature:DetectorFeature::f", "type": "aws:guardduty/detectorFeature:DetectorFeature", "name": "f", "op": "create", "custom": true, "inputs": {"status": "ENABLED"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_status_that_nobody_turned_on_beside_a_detector_that_is_on_unless_told_otherwise if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cfg/recorderStatus:RecorderStatus::s", "urn:pulumi:prod::app::aws:guardduty/detector:Detector::d"},
		"fail": {"urn:pulumi:prod::app::aws:cfg/recorderStatus:RecorderStatus::s": {"isEnabled is not on"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:guardduty/detector:Detector::d", "type": "aws:guardduty/detector:Detector", "name": "d", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cfg/recorderStatus:RecorderStatus::s", "type": "aws:cfg/recorderStatus:RecorderStatus", "name": "s", "op": "create", "custom": true, "inputs": {"name": "x"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_nobody_knows if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cfg/recorder:Recorder::r", "urn:pulumi:prod::app::aws:guardduty/detector:Detector::d"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:guardduty/detector:Detector::d": {"enable is not known before an apply"}, "urn:pulumi:prod::app::aws:cfg/recorder:Recorder::r": {"recordingGroup.allSupported is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:guardduty/detector:Detector::d", "type": "aws:guardduty/detector:Detector", "name": "d", "op": "create", "custom": true, "inputs": {"enable": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cfg/recorder:Recorder::r", "type": "aws:cfg/recorder:Recorder", "name": "r", "op": "create", "custom": true, "inputs": {"recordingGroup": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_both_off if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cfg/recorder:Recorder::r", "urn:pulumi:prod::app::aws:guardduty/detector:Detector::d"},
		"fail": {"urn:pulumi:prod::app::aws:guardduty/detector:Detector::d": {"enable is not on"}, "urn:pulumi:prod::app::aws:cfg/recorder:Recorder::r": {"recordingGroup.allSupported is not on"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:guardduty/detector:Detector::d", "type": "aws:guardduty/detector:Detector", "name": "d", "op": "create", "custom": true, "inputs": {"enable": false}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cfg/recorder:Recorder::r", "type": "aws:cfg/recorder:Recorder", "name": "r", "op": "create", "custom": true, "inputs": {"recordingGroup": {"allSupported": false}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_trail_alone if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t"},
		"fail": {"urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t": {"no detector stands beside it", "no recorder of changes stands beside it", "no status that starts a recorder stands beside it"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:cloudtrail/trail:Trail::t", "type": "aws:cloudtrail/trail:Trail", "name": "t", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
