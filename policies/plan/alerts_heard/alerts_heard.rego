# METADATA
# title: Somebody hears of an alarm
# description: |
#   An alarm that calls nobody is a line in a console that nobody has open. Alarms have an action, and it is on; rules of metrics that
#   raise alerts, those on drift among them, have a manager of alerts beside them, and that one names a topic.
# custom:
#   check: C15
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:amp/alertManagerDefinition:AlertManagerDefinition", "aws:amp/ruleGroupNamespace:RuleGroupNamespace", "aws:cloudwatch/compositeAlarm:CompositeAlarm", "aws:cloudwatch/metricAlarm:MetricAlarm"]
#   evidence: the plan and its decision
#   since: "2026-11-27"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.16], gdpr: ["33"], uae_pdpl: ["9"]}
#   remediation: Give the alarm alarmActions and leave actionsEnabled on; beside alert rules make an AlertManagerDefinition of the same workspace with a topic_arn.
#   runbook: gate_denied
package falaj.plan.alerts_heard

import rego.v1

import data.falaj.lib.plan

judged contains each.urn if some each in array.concat(alarms, array.concat(namespaces, managers))

fail[alarm.urn] contains "it calls nobody: alarmActions names none" if {
	some alarm in alarms
	not plan.holds_hidden(actions(alarm))
	count(called(alarm)) == 0
}

fail[alarm.urn] contains "its actions are off: actionsEnabled is not true" if {
	some alarm in alarms
	enabled := object.get(alarm.inputs, "actionsEnabled", true)
	not enabled in {true, null}
	not plan.hidden(enabled)
}

fail[namespace.urn] contains "no manager of alerts stands beside it" if {
	some namespace in unheard
	count(unplaced) == 0
}

fail[manager.urn] contains "it names no topic that hears of alerts" if {
	some manager in managers
	definition := object.get(manager.inputs, "definition", null)
	not plan.hidden(definition)
	not regex.match(`topic_arn\W+arn:`, sprintf("%v", [definition]))
}

unknown[alarm.urn] contains "whom it calls is not known before an apply" if {
	some alarm in alarms
	plan.holds_hidden(actions(alarm))
	count(called(alarm)) == 0
	count(plan.referred(alarm, "alarmActions")) == 0
}

unknown[alarm.urn] contains "whether its actions are on is not known before an apply" if {
	some alarm in alarms
	plan.hidden(alarm.inputs.actionsEnabled)
}

unknown[namespace.urn] contains "whose alerts it raises is not known before an apply, and no reference says so" if {
	some namespace in namespaces
	raises(namespace)
	count(workspaces(namespace)) == 0
}

unknown[namespace.urn] contains "whether a manager of alerts stands beside it is not known before an apply" if {
	some namespace in unheard
	count(unplaced) > 0
}

unknown[manager.urn] contains "who hears of its alerts is not known before an apply" if {
	some manager in managers
	plan.hidden(manager.inputs.definition)
}

alarms := plan.of_types({"aws:cloudwatch/compositeAlarm:CompositeAlarm", "aws:cloudwatch/metricAlarm:MetricAlarm"})

actions(alarm) := plan.listed(object.get(alarm.inputs, "alarmActions", null))

called(alarm) := [action | some action in actions(alarm); is_string(action); startswith(action, "arn:")]

namespaces := plan.of_type("aws:amp/ruleGroupNamespace:RuleGroupNamespace")

managers := plan.of_type("aws:amp/alertManagerDefinition:AlertManagerDefinition")

# Rules that only sum up call nobody. What only an apply tells may raise alerts. The key may stand in quotes, as in JSON, which is YAML too.
raises(namespace) if regex.match(`\balert["'\\ ]*:`, json.marshal(object.get(namespace.inputs, "data", null)))

raises(namespace) if plan.hidden(namespace.inputs.data)

# Whose it is: by its id, or by the resource that makes it.
workspaces(one) := {id | some id in [object.get(one.inputs, "workspaceId", null)]; is_string(id)} | plan.referred(one, "workspaceId")

unheard := [namespace |
	some namespace in namespaces
	raises(namespace)
	found := workspaces(namespace)
	count(found) > 0
	count(found & managed) == 0
]

# Managers that may stand beside any.
unplaced := [manager | some manager in managers; count(workspaces(manager)) == 0]

managed := union({workspaces(manager) | some manager in managers})
