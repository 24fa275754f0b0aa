# METADATA
# title: Words for the rules' own tests
# description: Small plans and candidates, the parameters they are judged by. Never loaded by the gate.
package falaj.lib.testing_test

import rego.v1

parameters := {
	"allowed_regions": ["me-central-1"],
	"required_tags": ["owner", "purpose", "data-class"],
	"environment_tag": "environment",
	"data_class_tag": "data-class",
	"data_classes": ["internal", "evidence"],
	"taggable_types": ["aws:s3/bucket:Bucket"],
	"object_lock": {"data_classes": ["evidence"], "minimum_days": 365},
	"keys": {"deletion_window_days": 30},
	"iam": {
		"guarded_actions": ["s3:GetObject", "kms:Decrypt"],
		"forbidden_managed_policies": "^arn:aws:iam::aws:policy/(AdministratorAccess|[A-Za-z0-9]+FullAccess)$",
	},
	"gpu": {"machine_types": "^(g[0-9]|p[2-9])[a-z0-9-]*\\.", "maximum_nodes": 8},
	"network": {"widest_ipv4": 8, "widest_ipv6": 32},
	"image_registries": ["^111122223333\\.dkr\\.ecr\\.me-central-1\\.amazonaws\\.com/"],
	"workloads": {"quota_bounds": ["requests.nvidia.com/gpu", "limits.cpu", "limits.memory", "pods"], "maximum_gpus": 8, "minimum_replicas": 2, "maximum_retries": 6, "longest_job_seconds": 172800},
	"inference_log": {"contents": ["features", "none"], "maximum_days": 90},
	"release": {
		"formats": ["safetensors", "onnx"],
		"quality_floor": {"metrics": {"accuracy": 0.3, "rougeL": 0.1}, "tasks": {"hard": 0.05}},
		"maximum_compression_loss": 0.02,
		"minimum_rows": 30,
		"points_above_baseline": {"language": 20},
		"refused_licences": ["(?i)cc-by-nc"],
	},
}

unknown := {"__falaj__": "unknown"}

urn(type, name) := sprintf("urn:pulumi:prod::app::%v::%v", [type, name])

resource(type, name, inputs) := {
	"urn": urn(type, name),
	"type": type,
	"name": name,
	"op": "create",
	"custom": true,
	"provider": sprintf("%v::", [urn("pulumi:providers:aws", "aws")]),
	"inputs": inputs,
	"property_dependencies": {},
}

# A resource whose properties were computed from others: {"bucket": [["aws:s3/bucket:Bucket", "data"]]}.
referring(what, references) := object.union(what, {"property_dependencies": {property: urns |
	some property, others in references
	urns := [urn(type, name) | some [type, name] in others]
}})

plan(resources) := {"plan": {"environment": "prod", "resources": resources}, "parameters": parameters, "now": "2026-01-01T00:00:00Z"}

release(candidate, observed) := {"candidate": candidate, "observed": observed, "parameters": parameters, "now": "2026-01-01T00:00:00Z"}

# A release that every rule allows; tests change one fact of it.
candidate := {
	"schema": "falaj.candidate/1",
	"run": "r1",
	"base_model": {
		"name": "seed",
		"licence": "Apache-2.0",
		"digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
	},
	"data": {
		"name": "packages",
		"sources": [
			{
				"name": "debian",
				"uri": "file:///var/lib/apt/lists",
				"licence": "DFSG-free",
				"revision": "trixie",
				"digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
			},
		],
		"digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		"rows": {
			"train": 800,
			"validation": 100,
			"test": 100,
		},
		"card_digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
	},
	"models": {
		"full": {
			"format": "safetensors",
			"files": {
				"train/model.safetensors": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
			},
			"bytes": 1000,
		},
		"int8": {
			"format": "onnx",
			"files": {
				"compress/encoder.onnx": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
			},
			"bytes": 300,
		},
	},
	"evaluation": {
		"tasks": {
			"language": {
				"metric": "accuracy",
				"rows": 100,
			},
			"summarize": {
				"metric": "rougeL",
				"rows": 100,
			},
		},
		"models": {
			"full": {
				"language": {
					"accuracy": 0.8,
				},
				"summarize": {
					"rougeL": 0.3,
				},
			},
			"int8": {
				"language": {
					"accuracy": 0.8,
				},
				"summarize": {
					"rougeL": 0.295,
				},
			},
			"seed": {
				"language": {
					"accuracy": 0.1,
				},
				"summarize": {
					"rougeL": 0.2,
				},
			},
		},
		"baselines": {
			"majority": {
				"language": {
					"accuracy": 0.4,
				},
			},
			"lead8": {
				"summarize": {
					"rougeL": 0.25,
				},
			},
		},
	},
	"code": {
		"commit": "abc",
	},
}

observed := {"train/model.safetensors": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", "compress/encoder.onnx": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", "train/manifest.json": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}
