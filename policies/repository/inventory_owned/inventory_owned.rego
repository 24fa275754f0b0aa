# METADATA
# title: Everything that is run has an owner
# description: |
#   What nobody answers for is not looked after. The inventory names every stack and every model of the repository, each with its
#   owner and the class of its data, and somebody looks at it once a year.
# custom:
#   check: C32
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["repository"]
#   evidence: the facts read from the checkout and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.9, A.5.12], iso42001: [A.3.2, A.4.2]}
#   remediation: Write docs/inventory.yaml with reviewed and items (name, owner, data_class); name every stack and model.
#   runbook: gate_denied
package falaj.repository.inventory_owned

import rego.v1

import data.falaj.lib.dates

judged contains "inventory"

judged contains part if some part in input.repository.parts

fail[subject] contains "there is no docs/inventory.yaml" if {
	subject := "inventory"
	not file.there
}

fail[part] contains "it is not in the inventory" if {
	file.there
	file.error == ""
	some part in input.repository.parts
	not part in named
}

fail[item.name] contains sprintf("it has no %v", [field]) if {
	some item in items
	item.name in input.repository.parts
	some field in ["owner", "data_class"]
	not said(object.get(item, field, null))
}

fail[subject] contains sprintf("it was looked at last on %v, more than %v days ago", [content.reviewed, input.parameters.repository.review_days]) if {
	subject := "inventory"
	dates.age(content.reviewed) > input.parameters.repository.review_days
}

fail[subject] contains sprintf("it says that it was looked at on %v, which is still to come", [content.reviewed]) if {
	subject := "inventory"
	dates.age(content.reviewed) < -1
}

unknown[subject] contains file.error if {
	subject := "inventory"
	file.error != ""
}

unknown[subject] contains "when it was looked at last is no date" if {
	subject := "inventory"
	file.there
	file.error == ""
	reviewed := object.get(content, "reviewed", null)
	not dates.is_date(reviewed)
}

said(value) if {
	is_string(value)
	trim_space(value) != ""
}

file := input.repository.inventory

content := file.content

items := [item | some item in object.get(content, "items", []); is_object(item)]

named contains item.name if some item in items
