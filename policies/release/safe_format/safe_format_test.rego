package falaj.release.safe_format_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.release.safe_format as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_safetensors_and_onnx if {
	answer == {
		"judged": {"full", "int8"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_denied_pickled_weights if {
	answer == {
		"judged": {"full", "int8"},
		"fail": {"full": {"its format is pickle; allowed: safetensors, onnx", "train/pytorch_model.bin can run code when it is opened"}},
		"unknown": {},
	} with input as given.release(object.union(json.remove(given.candidate, ["models/full/bytes", "models/full/files/train~1model.safetensors"]), {"models": {"full": {"format": "pickle", "files": {"train/pytorch_model.bin": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}}}}), given.observed)
}

test_unknown_no_format if {
	answer == {
		"judged": {"full", "int8"},
		"fail": {},
		"unknown": {"full": {"its format is not said"}},
	} with input as given.release(json.remove(given.candidate, ["models/full/format"]), given.observed)
}
