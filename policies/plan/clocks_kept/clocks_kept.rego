# METADATA
# title: Clocks follow the region's own time
# description: |
#   Logs of two machines can be laid side by side only where their clocks agree.
# custom:
#   check: C34
#   severity: low
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ec2/vpcDhcpOptions:VpcDhcpOptions"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.17]}
#   remediation: Leave ntpServers out, or name 169.254.169.123 or fd00:ec2::123.
#   runbook: gate_denied
package falaj.plan.clocks_kept

import rego.v1

import data.falaj.lib.plan

judged contains options.urn if some options in all_options

fail[options.urn] contains sprintf("it sets clocks by %v", [server]) if {
	some options in all_options
	some server in plan.listed(object.get(options.inputs, "ntpServers", null))
	is_string(server)
	not server in {"169.254.169.123", "fd00:ec2::123"}
}

unknown[options.urn] contains "what it sets clocks by is not known before an apply" if {
	some options in all_options
	plan.holds_hidden(object.get(options.inputs, "ntpServers", null))
}

all_options := plan.of_type("aws:ec2/vpcDhcpOptions:VpcDhcpOptions")
