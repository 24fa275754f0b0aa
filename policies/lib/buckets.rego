# METADATA
# title: Buckets and their parts
# description: |
#   A bucket's encryption, versioning, policy and so on are resources of their own. A part belongs to the bucket whose known
#   name it carries, or, where a name is not known yet, to the one bucket it refers to. A part that fits none is stray: it
#   may belong to any bucket, so it makes an answer unknown where it would otherwise be no.
package falaj.lib.buckets

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

part_types := {
	types.bucket_versioning,
	types.bucket_encryption,
	types.bucket_public_access,
	types.bucket_ownership,
	types.bucket_policy,
	types.bucket_object_lock,
	types.bucket_lifecycle,
}

all := plan.of_type(types.bucket)

named[name] contains bucket.urn if {
	some bucket in all
	name := bucket.inputs.bucket
	is_string(name)
}

# Buckets that each part belongs to; empty for a stray one. Tables, and without `else`: the embedded engine was seen to
# get a function that looks things up wrong inside another rule's loop.
owners[part.urn] := found if {
	some type in part_types
	some part in plan.of_type(type)
	found := by_name(part) | by_reference(part)
}

by_name(part) := {bucket |
	name := object.get(part.inputs, "bucket", null)
	is_string(name)
	some bucket in named[name]
}

by_reference(part) := {bucket |
	referred := plan.referred_of(part, "bucket", {types.bucket})
	count(referred) == 1
	some bucket in referred
	fits(part, plan.get(bucket))
}

# A reference counts where the part's name is hidden, or where the bucket has no known name to compare with.
fits(part, _) if plan.hidden(part.inputs.bucket)

fits(_, bucket) if not is_string(object.get(bucket.inputs, "bucket", null))

belongs[key] contains urn if {
	some urn, found in owners
	some bucket in found
	key := sprintf("%v %v", [types.canonical(plan.get(urn).type), bucket])
}

parts(type, bucket) := [plan.get(urn) |
	key := sprintf("%v %v", [type, bucket.urn])
	some urn in belongs[key]
]

# Some part of this type has a name that is hidden, and no single bucket it refers to.
stray(type) if type in strays

strays contains type if {
	some urn, found in owners
	count(found) == 0
	part := plan.get(urn)
	plan.hidden(object.get(part.inputs, "bucket", null))
	type := types.canonical(part.type)
}
