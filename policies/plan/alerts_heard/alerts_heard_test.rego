package falaj.plan.alerts_heard_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.alerts_heard as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_what_somebody_hears_of if {
	answer == {
		"judged": {
			given.urn("aws:amp/alertManagerDefinition:AlertManagerDefinition", "e"),
			given.urn("aws:amp/alertManagerDefinition:AlertManagerDefinition", "f"),
			given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "e"),
			given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "f"),
			given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "g"),
			given.urn("aws:cloudwatch/compositeAlarm:CompositeAlarm", "c"),
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "a"),
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "b"),
		},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:cloudwatch/metricAlarm:MetricAlarm", "a", {"alarmActions": ["arn:aws:sns:me-central-1:333333333333:alerts"]}),
		given.referring(given.resource("aws:cloudwatch/metricAlarm:MetricAlarm", "b", {"alarmActions": given.unknown, "actionsEnabled": true}), {"alarmActions": [["aws:sns/topic:Topic", "t"]]}),
		given.resource("aws:cloudwatch/compositeAlarm:CompositeAlarm", "c", {"alarmActions": ["arn:aws:sns:me-central-1:333333333333:alerts"], "actionsEnabled": null}),
		given.referring(given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "e", {"data": "groups:\n- name: drift\n  rules:\n  - alert: Drift\n    expr: x > 1\n", "workspaceId": given.unknown}), {"workspaceId": [["aws:amp/workspace:Workspace", "w"]]}),
		given.referring(given.resource("aws:amp/alertManagerDefinition:AlertManagerDefinition", "e", {"definition": "alertmanager_config: |\n  receivers:\n  - name: people\n    sns_configs:\n    - topic_arn: arn:aws:sns:me-central-1:333333333333:alerts\n", "workspaceId": given.unknown}), {"workspaceId": [["aws:amp/workspace:Workspace", "w"]]}),
		given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "f", {"data": "groups:\n- name: drift\n  rules:\n  - alert: Drift\n    expr: x > 1\n", "workspaceId": "ws-1"}),
		given.resource("aws:amp/alertManagerDefinition:AlertManagerDefinition", "f", {"definition": "alertmanager_config: |\n  receivers:\n  - name: people\n    sns_configs:\n    - topic_arn: arn:aws:sns:me-central-1:333333333333:alerts\n", "workspaceId": "ws-1"}),
		given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "g", {"data": "groups:\n- name: sums\n  rules:\n  - record: y\n    expr: sum(x)\n", "workspaceId": "ws-2"}),
	])
}

test_denied_what_nobody_hears_of if {
	answer == {
		"judged": {
			given.urn("aws:amp/alertManagerDefinition:AlertManagerDefinition", "g"),
			given.urn("aws:amp/alertManagerDefinition:AlertManagerDefinition", "h"),
			given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "e"),
			given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "f"),
			given.urn("aws:cloudwatch/compositeAlarm:CompositeAlarm", "d"),
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "a"),
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "b"),
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "c"),
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "i"),
		},
		"fail": {
			given.urn("aws:amp/alertManagerDefinition:AlertManagerDefinition", "g"): {"it names no topic that hears of alerts"},
			given.urn("aws:amp/alertManagerDefinition:AlertManagerDefinition", "h"): {"it names no topic that hears of alerts"},
			given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "e"): {"no manager of alerts stands beside it"},
			given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "f"): {"no manager of alerts stands beside it"},
			given.urn("aws:cloudwatch/compositeAlarm:CompositeAlarm", "d"): {"its actions are off: actionsEnabled is not true"},
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "a"): {"it calls nobody: alarmActions names none"},
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "b"): {"it calls nobody: alarmActions names none"},
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "c"): {"its actions are off: actionsEnabled is not true"},
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "i"): {"it calls nobody: alarmActions names none"},
		},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:cloudwatch/metricAlarm:MetricAlarm", "a", {}),
		given.resource("aws:cloudwatch/metricAlarm:MetricAlarm", "b", {"alarmActions": []}),
		given.resource("aws:cloudwatch/metricAlarm:MetricAlarm", "i", {"alarmActions": ["somebody", 7]}),
		given.resource("aws:cloudwatch/metricAlarm:MetricAlarm", "c", {"alarmActions": ["arn:aws:sns:me-central-1:333333333333:alerts"], "actionsEnabled": false}),
		given.resource("aws:cloudwatch/compositeAlarm:CompositeAlarm", "d", {"actionsEnabled": "false", "alarmActions": ["arn:aws:sns:me-central-1:333333333333:alerts"]}),
		given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "e", {"data": "groups:\n- name: drift\n  rules:\n  - alert: Drift\n    expr: x > 1\n", "workspaceId": "ws-1"}),
		given.referring(given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "f", {"data": given.unknown, "workspaceId": given.unknown}), {"workspaceId": [["aws:amp/workspace:Workspace", "w"]]}),
		given.resource("aws:amp/alertManagerDefinition:AlertManagerDefinition", "g", {"definition": "alertmanager_config: |\n  receivers:\n  - name: nobody\n", "workspaceId": "ws-2"}),
		given.resource("aws:amp/alertManagerDefinition:AlertManagerDefinition", "h", {"workspaceId": "ws-2"}),
	])
}

test_unknown_who_hears_of_it if {
	answer == {
		"judged": {
			given.urn("aws:amp/alertManagerDefinition:AlertManagerDefinition", "g"),
			given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "e"),
			given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "f"),
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "a"),
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "b"),
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "c"),
		},
		"fail": {},
		"unknown": {
			given.urn("aws:amp/alertManagerDefinition:AlertManagerDefinition", "g"): {"who hears of its alerts is not known before an apply"},
			given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "e"): {"whose alerts it raises is not known before an apply, and no reference says so"},
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "a"): {"whether its actions are on is not known before an apply", "whom it calls is not known before an apply"},
			given.urn("aws:cloudwatch/metricAlarm:MetricAlarm", "b"): {"whom it calls is not known before an apply"},
		},
	} with input as given.plan([
		given.resource("aws:cloudwatch/metricAlarm:MetricAlarm", "a", {"alarmActions": given.unknown, "actionsEnabled": given.unknown}),
		given.resource("aws:cloudwatch/metricAlarm:MetricAlarm", "b", {"alarmActions": [given.unknown]}),
		given.resource("aws:cloudwatch/metricAlarm:MetricAlarm", "c", {"alarmActions": ["arn:aws:sns:me-central-1:333333333333:alerts", given.unknown]}),
		given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "e", {"data": "groups:\n- name: drift\n  rules:\n  - alert: Drift\n    expr: x > 1\n", "workspaceId": given.unknown}),
		given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "f", {"data": "groups:\n- name: sums\n  rules:\n  - record: y\n    expr: sum(x)\n", "workspaceId": given.unknown}),
		given.resource("aws:amp/alertManagerDefinition:AlertManagerDefinition", "g", {"definition": given.unknown, "workspaceId": "ws-2"}),
	])
}

test_unknown_whose_manager_it_is if {
	answer == {
		"judged": {
			given.urn("aws:amp/alertManagerDefinition:AlertManagerDefinition", "g"),
			given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "e"),
		},
		"fail": {},
		"unknown": {given.urn("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "e"): {"whether a manager of alerts stands beside it is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "e", {"data": "groups:\n- name: drift\n  rules:\n  - alert: Drift\n    expr: x > 1\n", "workspaceId": "ws-1"}),
		given.resource("aws:amp/alertManagerDefinition:AlertManagerDefinition", "g", {"definition": "alertmanager_config: |\n  receivers:\n  - name: people\n    sns_configs:\n    - topic_arn: arn:aws:sns:me-central-1:333333333333:alerts\n", "workspaceId": given.unknown}),
	])
}

test_denied_alerts_that_are_spelled_in_other_ways if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:amp/ruleGroupNamespace:RuleGroupNamespace::a", "urn:pulumi:prod::app::aws:amp/ruleGroupNamespace:RuleGroupNamespace::b", "urn:pulumi:prod::app::aws:amp/ruleGroupNamespace:RuleGroupNamespace::c"},
		"fail": {"urn:pulumi:prod::app::aws:amp/ruleGroupNamespace:RuleGroupNamespace::a": {"no manager of alerts stands beside it"}, "urn:pulumi:prod::app::aws:amp/ruleGroupNamespace:RuleGroupNamespace::b": {"no manager of alerts stands beside it"}, "urn:pulumi:prod::app::aws:amp/ruleGroupNamespace:RuleGroupNamespace::c": {"no manager of alerts stands beside it"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "a", {"workspaceId": "ws-1", "data": `{"groups": [{"rules": [{"alert": "X", "expr": "up"}]}]}`}),
		given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "b", {"workspaceId": "ws-1", "data": "groups:\n- rules:\n  - alert : X\n    expr: up\n"}),
		given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "c", {"workspaceId": "ws-1", "data": "groups:\n- rules:\n  - 'alert': X\n    expr: up\n"}),
	])
}

test_allowed_rules_that_only_sum_up if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:amp/ruleGroupNamespace:RuleGroupNamespace::a"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:amp/ruleGroupNamespace:RuleGroupNamespace", "a", {"workspaceId": "ws-1", "data": "groups:\n- rules:\n  # no alert, and none in the name\n  - record: job_alert:rate5m\n    expr: up\n"}),
	])
}
