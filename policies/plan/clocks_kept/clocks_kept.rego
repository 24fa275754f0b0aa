# METADATA
# title: Clocks follow the region's own time
# description: |
#   Logs of two machines can be laid side by side only where their clocks agree, and a time without its zone is none. No network
#   and no machine sets its clock by another server, and schedules say in which zone they run.
# custom:
#   check: C34
#   severity: low
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ec2/vpcDhcpOptions:VpcDhcpOptions", "aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/instance:Instance", "kubernetes:batch/v1:CronJob"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.17]}
#   remediation: Leave ntpServers out, or name 169.254.169.123 or fd00:ec2::123; take clocks out of user data; set spec.timeZone of a CronJob.
#   runbook: gate_denied
package falaj.plan.clocks_kept

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains options.urn if some options in all_options

judged contains machine.urn if some machine in machines

judged contains schedule.urn if some schedule in schedules

fail[options.urn] contains sprintf("it sets clocks by %v", [server]) if {
	some options in all_options
	some server in plan.listed(object.get(options.inputs, "ntpServers", null))
	is_string(server)
	not server in {"169.254.169.123", "fd00:ec2::123"}
}

fail[machine.urn] contains "its user data sets clocks" if {
	some [machine, text] in told
	is_string(text)
	regex.match(about_clocks, text)
}

fail[schedule.urn] contains "it does not say in which time zone it runs" if {
	some schedule in schedules
	plan.at(schedule.inputs, ["spec", "suspend"]) != true
	plan.at(schedule.inputs, ["spec", "timeZone"]) in {null, ""}
}

unknown[options.urn] contains "what it sets clocks by is not known before an apply" if {
	some options in all_options
	plan.holds_hidden(object.get(options.inputs, "ntpServers", null))
}

unknown[machine.urn] contains "its user data is not known before an apply" if {
	some [machine, text] in told
	plan.hidden(text)
}

unknown[machine.urn] contains "its user data is packed, and nobody can say what it sets" if {
	some [machine, text] in told
	is_string(text)
	startswith(text, "H4sI")
}

unknown[schedule.urn] contains "its time zone is not known before an apply" if {
	some schedule in schedules
	plan.at(schedule.inputs, ["spec", "suspend"]) != true
	plan.hidden(plan.at(schedule.inputs, ["spec", "timeZone"]))
}

all_options := plan.of_type("aws:ec2/vpcDhcpOptions:VpcDhcpOptions")

machines := plan.of_types({types.launch_template, types.instance})

# A suspended schedule starts nothing.
schedules := plan.of_type("kubernetes:batch/v1:CronJob")

told := [[machine, text] |
	some machine in machines
	some field in ["userData", "userDataBase64"]
	text := object.get(machine.inputs, field, null)
	text != null
]

# Words about clocks, plain and in the three ways in which base64 writes them; tests/policies/test_clock_words.py makes the second part.
about_clocks := `(?i)chrony|ntp\.conf|ntpd|settings\.ntp|time-servers|timedatectl|timesyncd|(?-i)(Y2hyb255|Nocm9ue|jaHJvbn|bnRwLmNvbm|50cC5jb25m|udHAuY29uZ|bnRwZ|50cG|udHBk|c2V0dGluZ3MubnRw|NldHRpbmdzLm50c|zZXR0aW5ncy5udH|dGltZS1zZXJ2ZXJz|RpbWUtc2VydmVyc|0aW1lLXNlcnZlcn|dGltZWRhdGVjdG|RpbWVkYXRlY3Rs|0aW1lZGF0ZWN0b|dGltZXN5bmNk|RpbWVzeW5jZ|0aW1lc3luY2)`
