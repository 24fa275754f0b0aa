# METADATA
# title: What cannot be made again has a backup
# description: |
#   A vault and a plan are of no use to what nobody put into them. Each store of the listed data classes is selected for a backup
#   of this plan, by its name, by reference or by its tags, or keeps copies of its own for as long.
# custom:
#   check: C16
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: []
#   reads: ["aws:s3/bucket:Bucket", "aws:backup/selection:Selection", "aws:dynamodb/table:Table", "aws:efs/fileSystem:FileSystem", "aws:ebs/volume:Volume", "aws:rds/instance:Instance", "aws:rds/cluster:Cluster"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.13, A.5.30], gdpr: ["32(1)(c)"], uae_pdpl: ["20"]}
#   remediation: Name the store in a Selection, or, for a database, set backupRetentionPeriod or pointInTimeRecovery.
#   runbook: gate_denied
package falaj.plan.store_backed_up

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains store.urn if some store in held

judged contains urn if {
	some urn, class in classes
	plan.hidden(class)
}

fail[store.urn] contains sprintf("it holds %v, and no backup has it", [classes[store.urn]]) if {
	some store in held
	not selected(store)
	not own_copies(store)
	not doubtful(store)
}

unknown[urn] contains "its tags are not known before an apply, so nobody can say whether it needs a backup" if {
	some urn, class in classes
	plan.hidden(class)
}

unknown[store.urn] contains "whether a backup has it is not known before an apply" if {
	some store in held
	not selected(store)
	not own_copies(store)
	doubtful(store)
}

stores := plan.of_types(types.stores)

classes := {store.urn: plan.tag(store, input.parameters.data_class_tag) | some store in stores}

held := [store | some store in stores; classes[store.urn] in input.parameters.backups.data_classes]

selections := plan.of_type("aws:backup/selection:Selection")

# What a selection takes in, by pattern and by reference.
patterns := {pattern |
	some selection in selections
	some pattern in plan.listed(object.get(selection.inputs, "resources", null))
	is_string(pattern)
}

referred := {urn | some selection in selections; some urn in plan.referred(selection, "resources")}

selected(_) if "*" in patterns

selected(store) if store.urn in referred

selected(store) if {
	some [service, kind, field] in [kinds[types.canonical(store.type)]]
	some name in {"*", object.get(store.inputs, field, "*")}
	is_string(name)
	concat("", [service, ":", kind, name]) in named
}

selected(store) if {
	some [key, value] in tags_selected
	plan.tag(store, key) == value
}

tags_selected := {[condition.key, condition.value] |
	some selection in selections
	some condition in plan.listed(object.get(selection.inputs, "selectionTags", null))
	condition.type == "STRINGEQUALS"
}

# Service and resource of the ARNs that are selected, whatever their region and account.
named := {concat(":", array.concat([parts[2]], array.slice(parts, 5, count(parts)))) |
	some pattern in patterns
	parts := split(pattern, ":")
	count(parts) > 5
}

kinds := {
	types.bucket: ["s3", "", "bucket"],
	"aws:dynamodb/table:Table": ["dynamodb", "table/", "name"],
	"aws:efs/fileSystem:FileSystem": ["elasticfilesystem", "file-system/", "id"],
	"aws:ebs/volume:Volume": ["ec2", "volume/", "id"],
	"aws:rds/instance:Instance": ["rds", "db:", "identifier"],
	"aws:rds/cluster:Cluster": ["rds", "cluster:", "clusterIdentifier"],
}

# A database that keeps copies itself, for as long as a backup would.
own_copies(store) if {
	days := store.inputs.backupRetentionPeriod
	is_number(days)
	days >= input.parameters.backups.minimum_days
}

own_copies(store) if store.inputs.pointInTimeRecovery.enabled == true

doubtful(_) if count(unsettled) > 0

unsettled := {selection.urn |
	some selection in selections
	some field in ["resources", "selectionTags"]
	plan.holds_hidden(object.get(selection.inputs, field, null))
	not settled(selection, field)
}

doubtful(store) if plan.hidden(store.inputs.backupRetentionPeriod)

doubtful(store) if plan.hidden(plan.at(store.inputs, ["pointInTimeRecovery", "enabled"]))

# What is selected is hidden, but references say which resources it is.
settled(selection, "resources") if count(plan.referred(selection, "resources")) > 0
