# METADATA
# title: Days between dates
# description: How old a date is at the moment of the decision. Text that is no date has no age; rules ask `is_date` about it first.
package falaj.lib.dates

import rego.v1

day_pattern := `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?$`

late_pattern := `^[0-9]{4}-((0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?$`

leap_pattern := `^([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?$`

# A date (2026-01-31) or a moment in UTC (2026-01-31T12:00:00Z) that exists; the built-in fails on others.
is_date(text) if {
	is_string(text)
	some pattern in [day_pattern, late_pattern, leap_pattern]
	regex.match(pattern, text)
}

# Days since `text`, with fractions; below zero for what is still to come. Undefined where it is no date.
age(text) := (nanoseconds(input.now) - nanoseconds(text)) / 86400000000000 if is_date(text)

nanoseconds(text) := time.parse_rfc3339_ns(text) if contains(text, "T")

nanoseconds(text) := time.parse_rfc3339_ns(sprintf("%vT00:00:00Z", [text])) if not contains(text, "T")
