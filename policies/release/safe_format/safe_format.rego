# METADATA
# title: A model file cannot run code
# description: Pickled weights execute what they hold when they are opened. Releases are safetensors or ONNX, with JSON and plain tokenizer files beside them.
# custom:
#   check: C24
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["candidate", "observed"]
#   evidence: the candidate, the digests seen on disk and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.7, A.8.19], iso42001: [A.6.2.5], eu_ai_act: ["15"]}
#   remediation: Save weights with safetensors or export them to ONNX, and leave pickled files out of the release.
#   runbook: gate_denied
package falaj.release.safe_format

import rego.v1

import data.falaj.lib.release

judged contains model if some model, _ in release.models

fail[model] contains sprintf("its format is %v; allowed: %v", [format, concat(", ", input.parameters.release.formats)]) if {
	some model, about in release.models
	format := about.format
	is_string(format)
	not format in input.parameters.release.formats
}

fail[model] contains sprintf("%v can run code when it is opened", [path]) if {
	some model, about in release.models
	some path, _ in object.get(about, "files", {})
	regex.match(`(?i)\.(bin|pt|pth|pkl|pickle|joblib|npy|msgpack|h5|keras|dill|py)$`, path)
}

unknown[model] contains "its format is not said" if {
	some model, about in release.models
	not is_string(object.get(about, "format", null))
}
