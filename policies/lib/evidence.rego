# METADATA
# title: Reading evidence documents
# description: |
#   The newest document of each type, and what is wrong with it whatever it says: none there, not signed by somebody known, too old, or from
#   a day still to come. A file that cannot be read may be the one that is missing, so it makes the answer unknown.
package falaj.lib.evidence

import rego.v1

import data.falaj.lib.dates

types contains type if some type, _ in input.parameters.documents.maximum_age_days

latest[type] := document if {
	some type in types
	document := input.evidence.documents[type][0]
}

# What the newest document says; nothing where there is none.
facts[type] := document.facts if some type, document in latest

# Files that cannot be read -> why. Where nobody tells of any, none of them is the one that is missing.
unreadable := found if {
	found := input.evidence.unreadable
	is_object(found)
} else := {}

wrong[type] contains "there is no such document" if {
	some type in types
	not latest[type]
	count(unreadable) == 0
}

wrong[type] contains sprintf("that of %v cannot be trusted: %v", [document.at, object.get(document, "why", "nobody has looked at its signature")]) if {
	some type, document in latest
	object.get(document, "signed", false) != true
}

wrong[type] contains sprintf("the newest is of %v, more than %v days ago", [document.at, limit]) if {
	some type, document in latest
	limit := input.parameters.documents.maximum_age_days[type]
	dates.age(document.at) > limit
}

wrong[type] contains sprintf("it says that it was on %v, which is still to come", [document.at]) if {
	some type, document in latest
	dates.age(document.at) < -0.01
}

unclear[type] contains sprintf("it may be %v, which cannot be read: %v", [name, why]) if {
	some type in types
	not latest[type]
	some name, why in unreadable
}

unclear[type] contains "its moment is no date" if {
	some type, document in latest
	at := object.get(document, "at", null)
	not dates.is_date(at)
}
