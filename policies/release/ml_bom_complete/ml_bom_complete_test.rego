package falaj.release.ml_bom_complete_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.release.ml_bom_complete as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_everything_is_listed if {
	answer == {
		"judged": {"bill of materials"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_denied_no_bill_at_all_but_a_list if {
	answer == {
		"judged": {"bill of materials"},
		"fail": {"bill of materials": {"it is not a CycloneDX bill of version 1.5 or newer"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"bom": {"bomFormat": "SPDX"}}), given.observed)
}

test_denied_no_model_card_in_it if {
	answer == {
		"judged": {"bill of materials"},
		"fail": {"bill of materials": {"its model has no model card"}},
		"unknown": {},
	} with input as given.release(object.union(json.remove(given.candidate, ["bom/metadata"]), {"bom": {"metadata": {}}}), given.observed)
}

test_denied_a_file_is_missing if {
	answer == {
		"judged": {"bill of materials"},
		"fail": {"bill of materials": {"compress/encoder.onnx is not in it with its digest"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"bom": {"components": [{"type": "machine-learning-model", "bom-ref": "base-model", "name": "seed", "licenses": [{"license": {"name": "Apache-2.0"}}], "hashes": [{"alg": "SHA-256", "content": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}]}, {"type": "data", "bom-ref": "data:debian", "name": "debian", "licenses": [{"license": {"name": "DFSG-free"}}], "hashes": [{"alg": "SHA-256", "content": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}]}]}}), given.observed)
}

test_denied_data_without_a_licence if {
	answer == {
		"judged": {"bill of materials"},
		"fail": {"bill of materials": {"debian is in it without a licence"}},
		"unknown": {},
	} with input as given.release(object.union(given.candidate, {"bom": {"components": [{"type": "machine-learning-model", "bom-ref": "base-model", "name": "seed", "licenses": [{"license": {"name": "Apache-2.0"}}], "hashes": [{"alg": "SHA-256", "content": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}]}, {"type": "data", "bom-ref": "data:debian", "name": "debian", "hashes": [{"alg": "SHA-256", "content": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}]}, {"type": "file", "bom-ref": "file:compress/encoder.onnx", "name": "compress/encoder.onnx", "hashes": [{"alg": "SHA-256", "content": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}]}]}}), given.observed)
}

test_denied_another_file if {
	answer == {
		"judged": {"bill of materials"},
		"fail": {"bill of materials": {"it is not the file that was written"}},
		"unknown": {},
	} with input as given.release(given.candidate, object.union(given.observed, {"evaluate/bom.json": "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}))
}

test_unknown_no_bill if {
	answer == {
		"judged": {"bill of materials"},
		"fail": {},
		"unknown": {"bill of materials": {"there is none"}},
	} with input as given.release(json.remove(given.candidate, ["bom"]), given.observed)
}

test_unknown_a_file_that_nobody_looked_at if {
	answer == {
		"judged": {"bill of materials"},
		"fail": {},
		"unknown": {"bill of materials": {"nobody has looked at its file"}},
	} with input as given.release(given.candidate, {path: digest | some path, digest in given.observed; path != "evaluate/bom.json"})
}
