# METADATA
# title: Policies of buckets
# description: |
#   What the policies that belong to a bucket say, taken apart once for all rules that ask. A policy that is hidden, even in part, has no
#   statements here, and its bucket is among the unreadable.
package falaj.lib.bucket_policies

import rego.v1

import data.falaj.lib.buckets
import data.falaj.lib.documents
import data.falaj.lib.types

# URN of a bucket -> the policies that belong to it, as the plan has them.
of_bucket := {bucket.urn: policies |
	some bucket in buckets.all
	policies := [object.get(part.inputs, "policy", null) | some part in buckets.parts(types.bucket_policy, bucket)]
}

unreadable := {urn |
	some urn, policies in of_bucket
	some policy in policies
	documents.unreadable(policy)
}

# URN of a bucket -> for each of its policies that can be read its statements.
statements := {urn: found |
	some urn, policies in of_bucket
	found := [documents.statements(policy) |
		some policy in policies
		not withheld(urn, policy)
	]
}

withheld(urn, policy) if {
	urn in unreadable
	documents.unreadable(policy)
}

# URN of a bucket and statement: all that denies something to everybody.
denials := [[urn, statement] |
	some urn, policies in statements
	some found in policies
	some statement in found
	statement.Effect == "Deny"
	documents.everybody(statement)
]

# Condition of a denial -> its tests. Those of many buckets hang on the same, so each is read once.
tests := {condition: documents.tests_of(condition) | some condition in conditions}

conditions := {statement.Condition | some [_, statement] in denials}
