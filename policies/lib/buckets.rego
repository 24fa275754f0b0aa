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
}

all := plan.of_type(types.bucket)

named[name] contains bucket.urn if {
	some bucket in all
	name := bucket.inputs.bucket
	is_string(name)
}

# Buckets that a part belongs to; empty for a stray one.
owners(part) := named[part.inputs.bucket] if {
	is_string(part.inputs.bucket)
	named[part.inputs.bucket]
} else := referred if {
	referred := plan.referred_of(part, "bucket", {types.bucket})
	count(referred) == 1
	not named_otherwise(part, referred)
} else := set()

# The part carries a known name, and the bucket it refers to has another known name.
named_otherwise(part, referred) if {
	is_string(part.inputs.bucket)
	some urn in referred
	is_string(plan.get(urn).inputs.bucket)
}

belongs[key] contains part.urn if {
	some type in part_types
	some part in plan.of_type(type)
	some bucket in owners(part)
	key := sprintf("%v %v", [type, bucket])
}

parts(type, bucket) := [plan.get(urn) |
	key := sprintf("%v %v", [type, bucket.urn])
	some urn in belongs[key]
]

# Some part of this type has a name that is hidden, and no single bucket it refers to.
stray(type) if {
	some part in plan.of_type(type)
	plan.hidden(object.get(part.inputs, "bucket", null))
	count(owners(part)) == 0
}
