package falaj.plan.resource_region_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.resource_region as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_by_its_provider if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:aws", "aws", {"region": "me-central-1"}),
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
	])
}

test_denied_its_own_region_wins_over_a_pinned_provider if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {given.urn("aws:s3/bucket:Bucket", "data"): {"its region is eu-west-1; allowed: me-central-1"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:aws", "aws", {"region": "me-central-1"}),
		given.resource("aws:s3/bucket:Bucket", "data", {"region": "eu-west-1"}),
	])
}

test_denied_a_zone_elsewhere if {
	answer == {
		"judged": {given.urn("aws:ec2/subnet:Subnet", "subnet")},
		"fail": {given.urn("aws:ec2/subnet:Subnet", "subnet"): {"its zone is eu-west-1a; allowed regions: me-central-1"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("pulumi:providers:aws", "aws", {"region": "me-central-1"}),
		given.resource("aws:ec2/subnet:Subnet", "subnet", {"availabilityZone": "eu-west-1a"}),
	])
}

test_unknown_the_plan_does_not_hold_its_provider if {
	answer == {
		"judged": {given.urn("aws:s3/bucket:Bucket", "data")},
		"fail": {},
		"unknown": {given.urn("aws:s3/bucket:Bucket", "data"): {"neither it nor its provider says in which region it is made"}},
	} with input as given.plan([
		given.resource("aws:s3/bucket:Bucket", "data", {"bucket": "falaj-data"}),
	])
}

# The engines differ on a negation of what is not there.
test_unknown_a_resource_that_has_no_provider_at_all if {
	queue := given.urn("aws:sqs/queue:Queue", "q")
	answer == {
		"judged": {queue},
		"fail": {},
		"unknown": {queue: {"neither it nor its provider says in which region it is made"}},
	} with input as given.plan([object.remove(given.resource("aws:sqs/queue:Queue", "q", {"name": "q"}), ["provider"])])
}
