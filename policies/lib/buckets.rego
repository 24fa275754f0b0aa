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

urns := {bucket.urn | some bucket in all}

# Part -> the bucket that its field `bucket` refers to, where it is one: a managed one, or one that is only read.
links := {part.urn: found |
	some part in other_parts
	referred := {urn | some urn in part.property_dependencies.bucket}
	found := (referred & urns) | {urn |
		some urn in (referred - urns)
		types.canonical(plan.get(urn).type) == types.bucket
	}
	count(found) == 1
}

# Buckets that each part belongs to; empty for a stray one. Tables, and without `else`: the embedded engine was seen to
# get a function that looks things up wrong inside another rule's loop.
owners := object.union(plainly_owned, {part.urn: found |
	some part in other_parts
	name := object.get(part.inputs, "bucket", null)
	referred := {bucket | some bucket in links[part.urn]}
	meant := {bucket | some bucket in referred; bucket in named[name]}
	by_name := {first_named[name] | count(meant) == 0}
	by_reference := {bucket | some bucket in referred; fits(name, bucket)}
	found := (meant | by_name) | by_reference
})

# No two buckets can have one name. Of those that a plan gives it all the same, the one that a part refers to is its own, else the first:
# a part that counted for each of them would have every bucket looked at with the parts of all.
first_named := {name: min(buckets) | some name, buckets in named}

# Most parts do not know their bucket's name yet, and refer to the one bucket of the plan that it is.
plainly_owned := {part.urn: {bucket} |
	some type in part_types
	some part in plan.of_type(type)
	part.inputs.bucket.__falaj__ in {"unknown", "secret"}
	count(part.property_dependencies.bucket) == 1
	some bucket in part.property_dependencies.bucket
	bucket in urns
}

other_parts := [part |
	some type in part_types
	some part in plan.of_type(type)
	not plainly_owned[part.urn]
]

# A reference counts where the part's name is hidden, or where the bucket has no known name to compare with.
fits(name, bucket) if {
	name.__falaj__ in {"unknown", "secret"}
} else if {
	not is_string(object.get(plan.get(bucket).inputs, "bucket", null))
}

# Type -> [URN of a bucket that the plan makes, part of it], each of them.
pairs_of := {type: found |
	some type in part_types
	found := [[bucket, part] |
		some part in plan.of_type(type)
		some bucket in owners[part.urn]
		bucket in urns
	]
}

pairs(type) := object.get(pairs_of, type, [])

# URNs of the buckets that have no part of this type.
bare(type) := urns - {bucket | some [bucket, _] in pairs(type)}

belongs[key] contains part.urn if {
	some type, found in pairs_of
	some [bucket, part] in found
	key := concat(" ", [type, bucket])
}

parts_of := {key: [plan.get(urn) | some urn in found] | some key, found in belongs}

parts(type, bucket) := object.get(parts_of, concat(" ", [type, bucket.urn]), [])

# Some part of this type has a name that is hidden, and no single bucket it refers to.
stray(type) if type in strays

strays contains type if {
	some urn, found in owners
	count(found) == 0
	part := plan.get(urn)
	plan.hidden(object.get(part.inputs, "bucket", null))
	type := types.canonical(part.type)
}
