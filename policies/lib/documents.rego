# METADATA
# title: Policy documents
# description: |
#   AWS policy documents, as text or as an object: statements, actions, principals. A document that is hidden, even in part,
#   has no statements here; rules ask `unreadable` about it first.
package falaj.lib.documents

import rego.v1

import data.falaj.lib.plan

# The document as an object; undefined where it is hidden, missing or not JSON.
parsed(value) := json.unmarshal(value) if {
	is_string(value)
	json.is_valid(value)
} else := value if {
	is_object(value)
	not plan.hidden(value)
}

# Why nobody can read the document; undefined where it can be read.
unreadable(value) := "the policy document is not known before an apply" if {
	value != null
	plan.holds_hidden(value)
}

# True of a document in text that can be read and holds nothing that matches `about`. Nothing is taken apart for it, so rules ask it
# first of all; what is written with escapes could stand for anything, and is never plain.
plain(value, about) if {
	is_string(value)
	startswith(value, "{")
	not contains(value, "\\")
	not regex.match(about, value)
	json.is_valid(value)
}

# What the text of a document holds where a principal is everybody, or everybody but some.
names_everybody := `"Principal"\s*:\s*("\*"|\{[^}]*"\*")|NotPrincipal`

malformed(value) if {
	is_string(value)
	not is_text_of_object(value)
}

# Valid JSON that begins like an object is one.
is_text_of_object(value) if {
	startswith(trim_space(value), "{")
	json.is_valid(value)
}

statements(value) := [statement | some statement in plan.listed(object.get(document, "Statement", null))] if {
	document := parsed(value)
	is_object(document)
} else := []

allows(value) := [statement | some statement in statements(value); object.get(statement, "Effect", "Allow") == "Allow"]

actions(statement) := {lower(action) | some action in plan.listed(object.get(statement, "Action", null))}

resources(statement) := {resource | some resource in plan.listed(object.get(statement, "Resource", null))}

# True of a pattern that fits every resource, or every one of a service.
everything(resource) if regex.match(`^(arn:)?(aws[a-z-]*:)?([a-z0-9-]+:)?[*?/:]*\*[*?/:]*$`, resource)

# A condition without a test in it is none.
conditional(statement) if {
	conditions := object.get(statement, "Condition", {})
	is_object(conditions)
	some tests in conditions
	is_object(tests)
	count(tests) > 0
}

# True of a permission that not everybody can use: a test of who asks, or from where, keeps others out.
narrowed(statement) if {
	condition := object.get(statement, "Condition", {})
	is_object(condition)
	some [operator, key, values] in tests_of(condition)
	keeps_out(operator, key, values)
}

# What is not somebody, what need not be there, and what anybody can say of a request lets everybody else through.
keeps_out(operator, key, values) if {
	not regex.match(`(?i)not|^null$|^forallvalues:|ifexists$`, operator)
	not regex.match(`(?i)^(aws:(securetransport|currenttime|epochtime|requestedregion|referer|useragent)|s3:(tlsversion|x-amz-.*))$`, key)
	asked := plan.listed(values)
	count(asked) > 0
	count([1 | some value in asked; regex.match(`^[*?]*\*[*?]*$|^(0\.0\.0\.0|::)/0$`, sprintf("%v", [value]))]) == 0
}

# What must all hold for a statement to count: [operator, key, values].
tests_of(condition) := [[operator, key, values] | some operator, keys in condition; some key, values in keys]

# True of a test for what is false, however that is written.
asks_for_false(operator, values) if {
	operator in {"Bool", "BoolIfExists"}
	{lower(sprintf("%v", [value])) | some value in plan.listed(values)} == {"false"}
}

# True of tests that hold of everything that comes without TLS. Another one beside it would let through what it is not about.
without_tls(found) if {
	count(found) == 1
	some [operator, "aws:SecureTransport", values] in found
	asks_for_false(operator, values)
}

# Every principal of a statement as text: "*", "AWS:<arn>", "Service:<host>", "Federated:<arn>".
principals(statement) := {"*"} if object.get(statement, "Principal", null) == "*"

principals(statement) := {principal |
	some kind, names in object.get(statement, "Principal", {})
	some name in plan.listed(names)
	principal := anybody(kind, name)
} if {
	is_object(object.get(statement, "Principal", {}))
}

# True where a principal of the statement is everybody.
everybody(statement) if {
	statement.Principal == "*"
} else if {
	some names in statement.Principal
	"*" in plan.listed(names)
}

anybody(_, name) := "*" if name == "*"

anybody(kind, name) := sprintf("%v:%v", [kind, name]) if name != "*"

# True where the pattern of a statement (`s3:Get*`) covers the action (`s3:GetObject`). Several of either may be given, patterns between
# bars and actions on lines: then whether any covers any.
covers(pattern, action) if {
	expression := replace(replace(replace(lower(pattern), ".", "\\."), "*", ".*"), "?", ".")
	regex.match(sprintf("(?m)^(%v)$", [expression]), lower(action))
}

label(statement, index) := sprintf("statement %v", [object.get(statement, "Sid", index + 1)])
