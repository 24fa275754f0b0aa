# METADATA
# title: Whom to call is written down, and still true
# description: |
#   The first hour of an incident goes to finding people. A list names who leads, who answers for data protection and which
#   regulator is told, each with a way to reach them, and somebody looks at it once a year.
# custom:
#   check: C36
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["repository"]
#   evidence: the facts read from the checkout and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.5, A.5.24], gdpr: ["33", "37-39"], uae_pdpl: ["9", "10-12"]}
#   remediation: Write docs/contacts.yaml with reviewed and contacts (role, name, reach); look at it again and set the date.
#   runbook: gate_denied
package falaj.repository.contacts_named

import rego.v1

import data.falaj.lib.dates

judged contains "contacts"

fail[subject] contains "there is no docs/contacts.yaml" if {
	subject := "contacts"
	not file.there
}

fail[subject] contains sprintf("nobody is named as %v, with a way to reach them", [role]) if {
	subject := "contacts"
	file.there
	file.error == ""
	some role in input.parameters.repository.contacts
	not role in reachable
}

fail[subject] contains sprintf("it was looked at last on %v, more than %v days ago", [content.reviewed, input.parameters.repository.review_days]) if {
	subject := "contacts"
	dates.age(content.reviewed) > input.parameters.repository.review_days
}

fail[subject] contains sprintf("it says that it was looked at on %v, which is still to come", [content.reviewed]) if {
	subject := "contacts"
	dates.age(content.reviewed) < -1
}

unknown[subject] contains file.error if {
	subject := "contacts"
	file.error != ""
}

unknown[subject] contains "when it was looked at last is no date" if {
	subject := "contacts"
	file.there
	file.error == ""
	reviewed := object.get(content, "reviewed", null)
	not dates.is_date(reviewed)
}

file := input.repository.contacts

content := file.content

said(value) if {
	is_string(value)
	trim_space(value) != ""
}

reachable contains contact.role if {
	some contact in object.get(content, "contacts", [])
	count([1 | some field in ["name", "reach"]; said(object.get(contact, field, null))]) == 2
}
