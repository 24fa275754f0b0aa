# METADATA
# title: Known weaknesses were looked for lately and closed in time
# description: |
#   Every week new weaknesses become known in code that did not change. A scan of dependencies and images is never older than a
#   week, and what it finds is closed within the days its severity allows.
# custom:
#   check: C33
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["evidence"]
#   evidence: the signed documents and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.8, A.5.7], gdpr: ["32(1)(d)"]}
#   remediation: Scan locks and images, update what has an answer, write the rest down with falaj evidence new vulnerability_scan; ask for a waiver where a fix does not exist.
#   runbook: gate_denied
package falaj.evidence.weaknesses_closed

import rego.v1

import data.falaj.lib.dates
import data.falaj.lib.evidence

judged contains "vulnerability_scan"

fail[subject] contains why if {
	subject := "vulnerability_scan"
	some why in evidence.wrong[subject]
}

fail[subject] contains sprintf("%v (%v) is open since %v, longer than %v days", [weakness.id, weakness.severity, weakness.since, limit]) if {
	subject := "vulnerability_scan"
	said := evidence.facts[subject]
	is_array(said.open)
	some weakness in said.open
	limit := input.parameters.documents.open_days[lower(weakness.severity)]
	dates.age(weakness.since) > limit
}

fail[subject] contains "it looked at nothing" if {
	subject := "vulnerability_scan"
	said := evidence.facts[subject]
	is_array(said.targets)
	count([target | some target in said.targets; is_string(target); trim_space(target) != ""]) == 0
}

fail[subject] contains sprintf("%v is open since %v, which is still to come", [weakness.id, weakness.since]) if {
	subject := "vulnerability_scan"
	said := evidence.facts[subject]
	is_array(said.open)
	some weakness in said.open
	dates.age(weakness.since) < -1
}

unknown[subject] contains sprintf("how severe %v is, nobody can say", [object.get(weakness, "id", "a weakness")]) if {
	subject := "vulnerability_scan"
	said := evidence.facts[subject]
	is_array(said.open)
	some weakness in said.open
	severity := lower(object.get(weakness, "severity", ""))
	not severity in severities
}

unknown[subject] contains sprintf("since when %v is open is no date", [weakness.id]) if {
	subject := "vulnerability_scan"
	said := evidence.facts[subject]
	is_array(said.open)
	some weakness in said.open
	since := object.get(weakness, "since", null)
	not dates.is_date(since)
}

unknown[subject] contains what if {
	subject := "vulnerability_scan"
	some what in evidence.unclear[subject]
}

unknown[subject] contains sprintf("it does not say %v", [field]) if {
	subject := "vulnerability_scan"
	said := evidence.facts[subject]
	some field, right in {"tool": false, "targets": true, "open": true}
	not stated(object.get(said, field, null), right)
}

severities := {"critical", "high", "medium", "low", "none"}

# Where the second is true, a list is asked for.
stated(value, true) if is_array(value)

stated(value, false) if {
	value != null
	value != ""
}
