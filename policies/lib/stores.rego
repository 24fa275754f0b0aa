# METADATA
# title: Stores and their keys
# description: Tables, file systems and databases. Unlike a bucket, each of them says itself whether it is encrypted, and with which key.
package falaj.lib.stores

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

# Type -> where it says so.
paths := {
	"aws:dynamodb/table:Table": {"on": ["serverSideEncryption", "enabled"], "key": ["serverSideEncryption", "kmsKeyArn"]},
	"aws:efs/fileSystem:FileSystem": {"on": ["encrypted"], "key": ["kmsKeyId"]},
	"aws:rds/cluster:Cluster": {"on": ["storageEncrypted"], "key": ["kmsKeyId"]},
	"aws:rds/instance:Instance": {"on": ["storageEncrypted"], "key": ["kmsKeyId"]},
}

all := [store | some type, _ in paths; some store in plan.of_type(type)]

urns := {store.urn | some store in all}

# URN -> whether it is encrypted, the key that it names, and those of this plan that it refers to by it.
encryption := {store.urn: {"on": plan.at(store.inputs, path.on), "key": plan.at(store.inputs, path.key), "keys": referred} |
	some type, path in paths
	some store in plan.of_type(type)
	referred := plan.referred_of(store, path.key[0], types.keys)
}
