package falaj.plan.recovery_stated_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.recovery_stated as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_every_kind_of_store if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "bucket"), given.urn("aws:dynamodb/table:Table", "table"), given.urn("aws:efs/fileSystem:FileSystem", "filesystem"), given.urn("aws:ebs/volume:Volume", "volume"), given.urn("aws:rds/instance:Instance", "instance"), given.urn("aws:rds/cluster:Cluster", "cluster")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "bucket", {"tags": {"data-class": "confidential", "rto": "8h", "rpo": "24h"}}),
		given.resource("aws:dynamodb/table:Table", "table", {"tags": {"data-class": "confidential", "rto": "8h", "rpo": "24h"}}),
		given.resource("aws:efs/fileSystem:FileSystem", "filesystem", {"tags": {"data-class": "confidential", "rto": "8h", "rpo": "24h"}}),
		given.resource("aws:ebs/volume:Volume", "volume", {"tags": {"data-class": "confidential", "rto": "8h", "rpo": "24h"}}),
		given.resource("aws:rds/instance:Instance", "instance", {"tags": {"data-class": "confidential", "rto": "8h", "rpo": "24h"}}),
		given.resource("aws:rds/cluster:Cluster", "cluster", {"tags": {"data-class": "confidential", "rto": "8h", "rpo": "24h"}}),
	])
}

test_allowed_what_runs_and_what_keeps_data if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:apps/v1:StatefulSet", "queue"), given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "labels": {"falaj/rto": "8h"}}, "spec": {"replicas": 2}}),
		given.resource("kubernetes:apps/v1:StatefulSet", "queue", {"metadata": {"name": "queue", "labels": {"falaj/rto": "8h", "falaj/rpo": "24h"}}, "spec": {"replicas": 2}}),
		given.resource("kubernetes:core/v1:PersistentVolumeClaim", "work", {"metadata": {"name": "work", "labels": {"falaj/rto": "8h", "falaj/rpo": "24h"}}}),
	])
}

test_allowed_in_minutes_and_in_days_within_what_is_allowed if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:apps/v1:StatefulSet", "queue"), given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "labels": {"falaj/rto": "30m"}}, "spec": {"replicas": 2}}),
		given.resource("kubernetes:apps/v1:StatefulSet", "queue", {"metadata": {"name": "queue", "labels": {"falaj/rto": "480m", "falaj/rpo": "1d"}}, "spec": {"replicas": 2}}),
		given.resource("kubernetes:core/v1:PersistentVolumeClaim", "work", {"metadata": {"name": "work", "labels": {"falaj/rto": "8h", "falaj/rpo": "1440m"}}}),
	])
}

test_allowed_a_store_whose_data_is_not_to_be_restored_and_one_of_no_class if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "b")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"tags": {"data-class": "confidential", "rto": "8h", "rpo": "24h"}}),
		given.resource("aws:s3/bucket:Bucket", "p", {"tags": {"data-class": "personal"}}),
		given.resource("aws:s3/bucket:Bucket", "n", {"tags": {}}),
	])
}

test_allowed_by_the_tags_of_the_provider if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "b")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:aws", "aws", {"defaultTags": {"tags": {"data-class": "confidential", "rto": "8h", "rpo": "24h"}}}),
		given.resource("aws:s3/bucket:Bucket", "b", {"tags": {}}),
	])
}

test_denied_a_store_says_nothing_another_not_how_much_may_be_lost if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "b"), given.urn("aws:ebs/volume:Volume", "v")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "b"): {"tag rto is missing", "tag rpo is missing"}, given.urn("aws:ebs/volume:Volume", "v"): {"tag rpo is missing"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"tags": {"data-class": "confidential"}}),
		given.resource("aws:ebs/volume:Volume", "v", {"tags": {"data-class": "confidential", "rto": "8h"}}),
	])
}

test_denied_objects_say_nothing if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:apps/v1:StatefulSet", "queue"), given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"label falaj/rto is missing"}, given.urn("kubernetes:apps/v1:StatefulSet", "queue"): {"label falaj/rto is missing", "label falaj/rpo is missing"}, given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work"): {"label falaj/rpo is missing"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve"}, "spec": {"replicas": 2}}),
		given.resource("kubernetes:apps/v1:StatefulSet", "queue", {"metadata": {"name": "queue", "labels": {"app": "queue"}}, "spec": {"replicas": 2}}),
		given.resource("kubernetes:core/v1:PersistentVolumeClaim", "work", {"metadata": {"name": "work", "labels": {"falaj/rto": "8h"}}}),
	])
}

test_denied_tags_that_are_no_time if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "b"), given.urn("aws:dynamodb/table:Table", "t")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "b"): {"tag rto is no time such as 30m, 8h or 2d: soon", "tag rpo is no time such as 30m, 8h or 2d: 0h"}, given.urn("aws:dynamodb/table:Table", "t"): {"tag rto is no time such as 30m, 8h or 2d: 8 hours", "tag rpo is no time such as 30m, 8h or 2d: "}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"tags": {"data-class": "confidential", "rto": "soon", "rpo": "0h"}}),
		given.resource("aws:dynamodb/table:Table", "t", {"tags": {"data-class": "confidential", "rto": "8 hours", "rpo": ""}}),
	])
}

test_denied_labels_that_are_no_time if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:apps/v1:StatefulSet", "queue"), given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"label falaj/rto is no time such as 30m, 8h or 2d: 8.5h"}, given.urn("kubernetes:apps/v1:StatefulSet", "queue"): {"label falaj/rto is no time such as 30m, 8h or 2d: 8", "label falaj/rpo is no time such as 30m, 8h or 2d: 24H"}, given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work"): {"label falaj/rto is no time such as 30m, 8h or 2d: 9999999m", "label falaj/rpo is no time such as 30m, 8h or 2d: h"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "labels": {"falaj/rto": "8.5h"}}, "spec": {"replicas": 2}}),
		given.resource("kubernetes:apps/v1:StatefulSet", "queue", {"metadata": {"name": "queue", "labels": {"falaj/rto": "8", "falaj/rpo": "24H"}}, "spec": {"replicas": 2}}),
		given.resource("kubernetes:core/v1:PersistentVolumeClaim", "work", {"metadata": {"name": "work", "labels": {"falaj/rto": "9999999m", "falaj/rpo": "h"}}}),
	])
}

test_denied_a_number_is_no_time if {
	answer == {
		"judged": {given.urn("aws:rds/cluster:Cluster", "c")},
		"fail": {given.urn("aws:rds/cluster:Cluster", "c"): {"tag rto is no time such as 30m, 8h or 2d: 8"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:rds/cluster:Cluster", "c", {"tags": {"data-class": "confidential", "rto": 8, "rpo": "24h"}}),
	])
}

test_denied_a_store_promises_longer_than_is_allowed if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "b")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "b"): {"tag rto says 9h; at most 8 hours are allowed", "tag rpo says 2d; at most 24 hours are allowed"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"tags": {"data-class": "confidential", "rto": "9h", "rpo": "2d"}}),
	])
}

test_denied_objects_promise_longer_than_is_allowed if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work")},
		"fail": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"label falaj/rto says 481m; at most 8 hours are allowed"}, given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work"): {"label falaj/rto says 1d; at most 8 hours are allowed", "label falaj/rpo says 25h; at most 24 hours are allowed"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "labels": {"falaj/rto": "481m"}}, "spec": {"replicas": 2}}),
		given.resource("kubernetes:core/v1:PersistentVolumeClaim", "work", {"metadata": {"name": "work", "labels": {"falaj/rto": "1d", "falaj/rpo": "25h"}}}),
	])
}

test_unknown_values_known_later if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "b"), given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work")},
		"fail": {},
		"unknown": {given.urn("aws:s3/bucket:Bucket", "b"): {"tag rto is not known before an apply", "tag rpo is not known before an apply"}, given.urn("kubernetes:apps/v1:Deployment", "serve"): {"label falaj/rto is not known before an apply"}, given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work"): {"label falaj/rpo is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"tags": {"data-class": "confidential", "rto": given.unknown, "rpo": given.unknown}}),
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "labels": {"falaj/rto": given.unknown}}, "spec": {"replicas": 2}}),
		given.resource("kubernetes:core/v1:PersistentVolumeClaim", "work", {"metadata": {"name": "work", "labels": {"falaj/rto": "8h", "falaj/rpo": given.unknown}}}),
	])
}

test_unknown_labels_known_later if {
	answer == {
		"judged": {given.urn("kubernetes:apps/v1:Deployment", "serve"), given.urn("kubernetes:apps/v1:StatefulSet", "queue"), given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work")},
		"fail": {},
		"unknown": {given.urn("kubernetes:apps/v1:Deployment", "serve"): {"label falaj/rto is not known before an apply"}, given.urn("kubernetes:apps/v1:StatefulSet", "queue"): {"label falaj/rto is not known before an apply", "label falaj/rpo is not known before an apply"}, given.urn("kubernetes:core/v1:PersistentVolumeClaim", "work"): {"label falaj/rto is not known before an apply", "label falaj/rpo is not known before an apply"}},
	} with input as given.plan([
		given.resource("kubernetes:apps/v1:Deployment", "serve", {"metadata": {"name": "serve", "labels": given.unknown}, "spec": {"replicas": 2}}),
		given.resource("kubernetes:apps/v1:StatefulSet", "queue", {"metadata": given.unknown}),
		given.resource("kubernetes:core/v1:PersistentVolumeClaim", "work", {"metadata": {"name": "work", "labels": given.unknown}}),
	])
}

test_unknown_tags_or_a_class_known_later if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "b"), given.urn("aws:efs/fileSystem:FileSystem", "e")},
		"fail": {},
		"unknown": {given.urn("aws:s3/bucket:Bucket", "b"): {"its tags are not known before an apply, so nobody can say whether it must be restored"}, given.urn("aws:efs/fileSystem:FileSystem", "e"): {"its tags are not known before an apply, so nobody can say whether it must be restored"}},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "b", {"tags": given.unknown}),
		given.resource("aws:efs/fileSystem:FileSystem", "e", {"tags": {"data-class": given.unknown, "rto": "8h", "rpo": "24h"}}),
	])
}

test_unknown_what_is_secret_beside_what_is_right if {
	answer == {
		"judged": {given.urn("aws:rds/instance:Instance", "i")},
		"fail": {},
		"unknown": {given.urn("aws:rds/instance:Instance", "i"): {"tag rpo is not known before an apply"}},
	} with input as given.plan([
		given.resource("aws:rds/instance:Instance", "i", {"tags": {"data-class": "confidential", "rto": "8h", "rpo": {"__falaj__": "secret"}}}),
	])
}
