# METADATA
# title: What may be lost says when it is back, and how much of it
# description: |
#   Nobody can rehearse, or judge, a recovery that nobody has promised. What runs says in what time it is back (RTO); what keeps data, and
#   each store of the classes that must be restored, says too how much of the latest may be lost (RPO); both within what is allowed here.
# custom:
#   check: C17
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet", "kubernetes:core/v1:PersistentVolumeClaim"]
#   reads: ["aws:s3/bucket:Bucket", "aws:dynamodb/table:Table", "aws:efs/fileSystem:FileSystem", "aws:ebs/volume:Volume", "aws:rds/instance:Instance", "aws:rds/cluster:Cluster"]
#   evidence: the plan and its decision
#   since: "2026-11-28"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.29, A.5.30, A.8.14], gdpr: ["32(1)(b)", "32(1)(c)"], uae_pdpl: ["20"]}
#   remediation: Set tags rto and rpo on the store, or labels falaj/rto and falaj/rpo on the object, such as 30m, 8h or 2d, no longer than recovery allows.
#   runbook: gate_denied
package falaj.plan.recovery_stated

import rego.v1

import data.falaj.lib.plan
import data.falaj.lib.types

judged contains each.urn if some each in running

judged contains each.urn if some each in claims

judged contains urn if some urn in held

judged contains urn if some urn in unclear

fail[urn] contains sprintf("%v is missing", [name]) if {
	some [name, urn, value] in doubtful
	value == null
}

fail[urn] contains sprintf("%v is no time such as 30m, 8h or 2d: %v", [name, value]) if {
	some [name, urn, value] in doubtful
	plan.known(value)
	not minutes_of[value]
}

fail[urn] contains sprintf("%v says %v; at most %v hours are allowed", [name, value, hours[name]]) if {
	some [name, urn, value] in doubtful
	minutes_of[value]
}

unknown[urn] contains sprintf("%v is not known before an apply", [name]) if {
	some [name, urn, value] in doubtful
	plan.hidden(value)
}

unknown[urn] contains "its tags are not known before an apply, so nobody can say whether it must be restored" if some urn in unclear

running := plan.of_types({"kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet"})

claims := plan.of_type("kubernetes:core/v1:PersistentVolumeClaim")

keeping := array.concat(claims, plan.of_type("kubernetes:apps/v1:StatefulSet"))

# Data class of each store, as store_backed_up asks it.
classes := {store.urn: plan.tag(store, input.parameters.data_class_tag) | some store in plan.of_types(types.stores)}

held := {urn | some urn, class in classes; class in restored}

restored := {class | some class in input.parameters.backups.data_classes}

unclear := {urn | some urn, class in classes; plan.hidden(class)}

# Name of an objective -> who must state it -> what it says: null where that is nothing.
stated := {
	"tag rto": {urn: plan.tag(plan.get(urn), "rto") | some urn in held},
	"tag rpo": {urn: plan.tag(plan.get(urn), "rpo") | some urn in held},
	"label falaj/rto": {each.urn: plan.at(each.inputs, ["metadata", "labels", "falaj/rto"]) | some each in array.concat(running, claims)},
	"label falaj/rpo": {each.urn: plan.at(each.inputs, ["metadata", "labels", "falaj/rpo"]) | some each in keeping},
}

hours := {
	"tag rto": input.parameters.recovery.maximum_rto_hours,
	"tag rpo": input.parameters.recovery.maximum_rpo_hours,
	"label falaj/rto": input.parameters.recovery.maximum_rto_hours,
	"label falaj/rpo": input.parameters.recovery.maximum_rpo_hours,
}

# Nearly all say the same, so each saying is read once.
sayings := {value | some _, values in stated; some _, value in values}

minutes_of := {value: minutes |
	some value in sayings
	is_string(value)
	regex.match(`^[1-9][0-9]{0,5}[mhd]$`, value)
	some unit, size in units
	endswith(value, unit)
	minutes := to_number(trim_suffix(value, unit)) * size
}

units := {"m": 1, "h": 60, "d": 1440}

within := {name: {value | some value, minutes in minutes_of; minutes <= most * 60} | some name, most in hours}

doubtful contains [name, urn, value] if {
	some name, values in stated
	sound := within[name]
	some urn, value in values
	not value in sound
}
