package falaj.release.digests_match_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.release.digests_match as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_all_as_claimed if {
	answer == {
		"judged": {"compress/encoder.onnx", "train/model.safetensors"},
		"fail": {},
		"unknown": {},
	} with input as given.release(given.candidate, given.observed)
}

test_denied_one_file_was_altered if {
	answer == {
		"judged": {"compress/encoder.onnx", "train/model.safetensors"},
		"fail": {"compress/encoder.onnx": {"its digest is sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee, and the candidate says sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}},
		"unknown": {},
	} with input as given.release(given.candidate, {"train/model.safetensors": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", "compress/encoder.onnx": "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "train/manifest.json": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"})
}

test_denied_one_file_is_gone if {
	answer == {
		"judged": {"compress/encoder.onnx", "train/model.safetensors"},
		"fail": {"compress/encoder.onnx": {"it is not there"}},
		"unknown": {},
	} with input as given.release(given.candidate, {"train/model.safetensors": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"})
}

test_unknown_nobody_looked if {
	answer == {
		"judged": {"compress/encoder.onnx", "train/model.safetensors"},
		"fail": {},
		"unknown": {"compress/encoder.onnx": {"nobody has looked at the files"}, "train/model.safetensors": {"nobody has looked at the files"}},
	} with input as given.release(given.candidate, {})
}
