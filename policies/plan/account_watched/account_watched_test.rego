package falaj.plan.account_watched_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.account_watched as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_all_of_them if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"name": "EKS_AUDIT_LOGS", "status": "ENABLED"}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_allowed_the_older_switch_of_the_detector if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true, "datasources": {"kubernetes": {"auditLogs": {"enable": true}}}}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_allowed_one_known_and_one_unknown_feature if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"name": "EKS_AUDIT_LOGS", "status": "ENABLED"}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "other", {"name": given.unknown, "status": "ENABLED"}),
	])
}

test_denied_no_analyzer if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {given.urn("aws:ec2/vpc:Vpc", "main"): {"no analyzer of access watches its account"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"name": "EKS_AUDIT_LOGS", "status": "ENABLED"}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_denied_no_channel if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {given.urn("aws:ec2/vpc:Vpc", "main"): {"no channel that delivers recorded changes watches its account"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"name": "EKS_AUDIT_LOGS", "status": "ENABLED"}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_denied_no_recorder if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {given.urn("aws:ec2/vpc:Vpc", "main"): {"no recorder of changes watches its account"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"name": "EKS_AUDIT_LOGS", "status": "ENABLED"}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_denied_no_trail if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {given.urn("aws:ec2/vpc:Vpc", "main"): {"no trail of calls watches its account"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"name": "EKS_AUDIT_LOGS", "status": "ENABLED"}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_denied_no_detector if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {given.urn("aws:ec2/vpc:Vpc", "main"): {"no detector of threats watches its account"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"name": "EKS_AUDIT_LOGS", "status": "ENABLED"}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_denied_no_hub if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {given.urn("aws:ec2/vpc:Vpc", "main"): {"no hub of findings watches its account"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"name": "EKS_AUDIT_LOGS", "status": "ENABLED"}),
	])
}

test_denied_a_detector_that_looks_at_no_cluster if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {given.urn("aws:ec2/vpc:Vpc", "main"): {"its account's detector does not read the clusters' audit logs"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_denied_a_detector_that_looks_at_something_else if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {given.urn("aws:ec2/vpc:Vpc", "main"): {"its account's detector does not read the clusters' audit logs"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"name": "S3_DATA_EVENTS", "status": "ENABLED"}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_denied_a_feature_without_a_name if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {given.urn("aws:ec2/vpc:Vpc", "main"): {"its account's detector does not read the clusters' audit logs"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"status": "ENABLED"}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_denied_the_older_switch_is_off if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {given.urn("aws:ec2/vpc:Vpc", "main"): {"its account's detector does not read the clusters' audit logs"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true, "datasources": {"kubernetes": {"auditLogs": {"enable": false}}}}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_denied_a_hub_that_goes if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {given.urn("aws:ec2/vpc:Vpc", "main"): {"no hub of findings watches its account"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"name": "EKS_AUDIT_LOGS", "status": "ENABLED"}),
		object.union(given.resource("aws:securityhub/account:Account", "hub", {}), {"op": "delete"}),
	])
}

test_unknown_a_feature_whose_name_nobody_knows_yet if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {},
		"unknown": {given.urn("aws:ec2/vpc:Vpc", "main"): {"whether its account's detector reads the clusters' audit logs is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true}),
		given.resource("aws:guardduty/detectorFeature:DetectorFeature", "clusters", {"name": given.unknown, "status": "ENABLED"}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}

test_unknown_the_older_switch_is_not_known_yet if {
	answer == {
		"judged": {given.urn("aws:ec2/vpc:Vpc", "main")},
		"fail": {},
		"unknown": {given.urn("aws:ec2/vpc:Vpc", "main"): {"whether its account's detector reads the clusters' audit logs is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:ec2/vpc:Vpc", "main", {"cidrBlock": "10.0.0.0/16"}),
		given.resource("aws:accessanalyzer/analyzer:Analyzer", "who", {"type": "ACCOUNT"}),
		given.resource("aws:cfg/deliveryChannel:DeliveryChannel", "tells", {}),
		given.resource("aws:cfg/recorder:Recorder", "changes", {}),
		given.resource("aws:cloudtrail/trail:Trail", "calls", {}),
		given.resource("aws:guardduty/detector:Detector", "threats", {"enable": true, "datasources": {"kubernetes": {"auditLogs": {"enable": given.unknown}}}}),
		given.resource("aws:securityhub/account:Account", "hub", {}),
	])
}
