# METADATA
# title: What is written down stays in the country
# description: |
#   Logs hold who did what, and often whom it was about. Trails, flow logs, deliveries, access logs and those of firewalls go to what this
#   plan makes, which the region rule judges, or to a host of an allowed region; an address on the internet could stand anywhere.
# custom:
#   check: C01
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:ec2/flowLog:FlowLog", "aws:cloudtrail/trail:Trail", "aws:cfg/deliveryChannel:DeliveryChannel", "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "aws:s3/bucketLogging:BucketLogging", "aws:lb/loadBalancer:LoadBalancer", "aws:sns/topicSubscription:TopicSubscription", "aws:cloudwatch/eventApiDestination:EventApiDestination", "aws:s3/inventory:Inventory", "aws:networkfirewall/loggingConfiguration:LoggingConfiguration"]
#   reads: ["aws:s3/bucket:Bucket", "aws:cloudwatch/logGroup:LogGroup"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.14, A.5.31, A.5.34], gdpr: ["44"], uae_pdpl: ["22", "23"]}
#   remediation: Send to what the same plan makes, or to an endpoint of the region; a bucket, log group or delivery stream of another stack needs a waiver that says where it is.
#   runbook: gate_denied
package falaj.plan.sinks_stay

import rego.v1

import data.falaj.lib.buckets
import data.falaj.lib.plan
import data.falaj.lib.types

judged contains sink.urn if some sink in plan.of_types(object.keys(places) | {firewall_log})

fail[urn] contains sprintf("it sends to %v, which is in no allowed region", [host]) if {
	some [urn, _, kind, target] in sent
	is_string(target)
	some address in regex.find_n(object.get(addresses, kind, spoken), lower(target), 1)
	host := regex.replace(address, `^([a-z]+:)*//`, "")
	not stays(host)
}

unknown[urn] contains sprintf("it sends to bucket %v, which is not in this plan and whose name does not say where it is", [name]) if {
	some [urn, _, kind, target] in sent
	some name in named(kind, target)
	not buckets.named[name]
}

unknown[urn] contains sprintf("it sends to %v %v, which is not in this plan; who sends on from there, and to where, nobody can say", [word, target]) if {
	some [urn, _, kind, target] in sent
	is_string(target)
	word := onward[kind]
	not target in made[kind]
}

unknown[urn] contains sprintf("where its %v leads is not known before an apply, and no reference says so", [path[0]]) if {
	some [urn, path, kind, target] in sent
	plan.hidden(target)
	count(plan.referred_of(plan.get(urn), path[0], made_here[kind])) == 0
}

# Where each kind of sink says what it sends to: the path, and what is written there.
places := {
	"aws:ec2/flowLog:FlowLog": [[["logDestination"], "arn"]],
	"aws:cloudtrail/trail:Trail": [[["s3BucketName"], "name"]],
	"aws:cfg/deliveryChannel:DeliveryChannel": [[["s3BucketName"], "name"]],
	"aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": [
		[["extendedS3Configuration", "bucketArn"], "arn"],
		[["extendedS3Configuration", "s3BackupConfiguration", "bucketArn"], "arn"],
		[["elasticsearchConfiguration", "clusterEndpoint"], "url"],
		[["elasticsearchConfiguration", "s3Configuration", "bucketArn"], "arn"],
		[["httpEndpointConfiguration", "url"], "url"],
		[["httpEndpointConfiguration", "s3Configuration", "bucketArn"], "arn"],
		[["icebergConfiguration", "s3Configuration", "bucketArn"], "arn"],
		[["opensearchConfiguration", "clusterEndpoint"], "url"],
		[["opensearchConfiguration", "s3Configuration", "bucketArn"], "arn"],
		[["opensearchserverlessConfiguration", "collectionEndpoint"], "url"],
		[["opensearchserverlessConfiguration", "s3Configuration", "bucketArn"], "arn"],
		[["redshiftConfiguration", "clusterJdbcurl"], "url"],
		[["redshiftConfiguration", "s3Configuration", "bucketArn"], "arn"],
		[["redshiftConfiguration", "s3BackupConfiguration", "bucketArn"], "arn"],
		[["snowflakeConfiguration", "accountUrl"], "url"],
		[["snowflakeConfiguration", "s3Configuration", "bucketArn"], "arn"],
		[["splunkConfiguration", "hecEndpoint"], "url"],
		[["splunkConfiguration", "s3Configuration", "bucketArn"], "arn"],
	],
	"aws:s3/bucketLogging:BucketLogging": [[["targetBucket"], "name"]],
	"aws:s3/inventory:Inventory": [[["destination", "bucket", "bucketArn"], "arn"]],
	"aws:lb/loadBalancer:LoadBalancer": [[["accessLogs", "bucket"], "name"], [["connectionLogs", "bucket"], "name"]],
	"aws:sns/topicSubscription:TopicSubscription": [[["endpoint"], "endpoint"]],
	"aws:cloudwatch/eventApiDestination:EventApiDestination": [[["invocationEndpoint"], "url"]],
}

sent := array.concat(firewalls_send, [[sink.urn, path, kind, target] |
	some type, found in places
	some sink in plan.of_type(type)
	some [path, kind] in found
	target := plan.at(sink.inputs, path)
	target != null
])

# A firewall has a list of them, each with one of three names.
firewalls_send := [[log.urn, ["loggingConfiguration"], kind, target] |
	some log in plan.of_type(firewall_log)
	some destination in plan.listed(plan.at(log.inputs, ["loggingConfiguration", "logDestinationConfigs"]))
	some field, kind in {"bucketName": "name", "logGroup": "group", "deliveryStream": "stream"}
	target := plan.at(destination, ["logDestination", field])
	target != null
]

firewall_log := "aws:networkfirewall/loggingConfiguration:LoggingConfiguration"

delivery := "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"

log_group := "aws:cloudwatch/logGroup:LogGroup"

# What is in the region of whoever writes into it, and from which others may send on: how it is called, and what of it this plan makes.
onward := {"group": "log group", "stream": "delivery stream"}

made := {kind: {name | some each in plan.of_type(type); name := each.inputs.name} |
	some kind, type in {"group": log_group, "stream": delivery}
}

# What a hidden target may be that this plan makes. Beside an address a bucket is often named, for what could not be sent; it says nothing of the address.
made_here := {
	"arn": {types.bucket, log_group, delivery},
	"endpoint": {delivery},
	"group": {log_group},
	"name": {types.bucket},
	"stream": {delivery},
	"url": set(),
}

# What names a host. Where other things stand too, such as people and telephones, only what says how it is spoken to does.
spoken := `^([a-z]+:)+//[^/?#]+`

addresses := {"url": `^(([a-z]+:)*//)?[^/?#]+`}

# The bucket that a target names: an ARN of another service carries its region, which rule references_stay reads.
named("name", target) := {target} if is_string(target)

named("arn", target) := {regex.replace(arn, `^arn:aws[a-z-]*:s3:::([^/]*).*$`, "$1") | some arn in regex.find_n(`^arn:aws[a-z-]*:s3:::.*$`, target, 1)} if {
	is_string(target)
}

# A host of the provider names its region, a few services behind it; of any other nobody can say where it stands.
stays(host) if {
	some region in input.parameters.allowed_regions
	regex.match(sprintf(`(^|[.-])%v(\.(aoss|es|redshift|redshift-serverless))?\.amazonaws\.com(:[0-9]+)?$`, [region]), host)
}
