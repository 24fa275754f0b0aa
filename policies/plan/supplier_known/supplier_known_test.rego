package falaj.plan.supplier_known_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.supplier_known as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_service_of_the_register if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:s3/bucket:Bucket::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:s3/bucket:Bucket::b", "type": "aws:s3/bucket:Bucket", "name": "b", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_service_nobody_reviewed if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:pinpoint/app:App::a"},
		"fail": {"urn:pulumi:prod::app::aws:pinpoint/app:App::a": {"service pinpoint is not in the register of suppliers"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:pinpoint/app:App::a", "type": "aws:pinpoint/app:App", "name": "a", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_service_whose_place_nobody_wrote_down if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:bedrock/guardrail:Guardrail::g"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:bedrock/guardrail:Guardrail::g": {"where service bedrock runs is not said in the register"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:bedrock/guardrail:Guardrail::g", "type": "aws:bedrock/guardrail:Guardrail", "name": "g", "op": "create", "custom": true, "inputs": {}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}
