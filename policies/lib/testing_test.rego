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
	"network": {"widest_ipv4": 8, "widest_ipv6": 32, "minimum_zones": 3, "egress_domains": [], "gateway_endpoints": ["s3"], "interface_endpoints": ["ecr.api", "ecr.dkr", "eks-auth", "kms", "logs", "sts"]},
	"global_services": {"worldwide": ["cloudfront", "iam", "route53"], "reviewed": {"iam": "names", "route53": ""}},
	"logs": {"minimum_days": 180},
	"backups": {"minimum_days": 35, "data_classes": ["confidential"]},
	"recovery": {"maximum_rto_hours": 8, "maximum_rpo_hours": 24},
	"buckets": {"inside_classes": ["personal"]},
	"nodes": {"image_families": ["BOTTLEROCKET_ARM_64", "BOTTLEROCKET_x86_64", "BOTTLEROCKET_x86_64_NVIDIA"]},
	"accounts": {"others": ["111111111111", "222222222222"]},
	"data_origin": {"tag": "data-origin", "classes": ["personal"], "allowed": ["real", "synthetic"]},
	"cluster": {
		"versions": ["1.34", "1.35"],
		"access_policies": ["AmazonEKSAdminPolicy", "AmazonEKSClusterAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSViewPolicy"],
		"administrators": ["^arn:aws:iam::[0-9]{12}:role/falaj-[a-z]+-operator$"],
	},
	"suppliers": {"s3": {"place": "me-central-1", "terms": "addendum"}, "bedrock": {"place": "", "terms": "addendum"}},
	"image_registries": ["^111122223333\\.dkr\\.ecr\\.me-central-1\\.amazonaws\\.com/"],
	"images": {"signed": true, "review_days": 183},
	"known_images": {
		"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": "",
		"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb": "somebody answered for it until 2025-12-31",
	},
	"sites": {"countries": ["AE"]},
	"admission": {"rules": ["job_bounded", "pod_restricted"], "action": "deny"},
	"watching": {"services": ["accessanalyzer", "cloudtrail", "config", "guardduty", "guardduty_eks", "securityhub"]},
	"workloads": {"quota_bounds": ["requests.nvidia.com/gpu", "limits.cpu", "limits.memory", "pods"], "maximum_gpus": 8, "minimum_replicas": 2, "maximum_retries": 6, "longest_job_seconds": 172800},
	"inference_log": {"contents": ["features", "none"], "maximum_days": 90},
	"documents": {"maximum_age_days": {"drift_run": 7, "restore_test": 92, "access_review": 92, "vulnerability_scan": 7, "off_switch_test": 183, "incident_drill": 366, "image_attestations": 31, "release_served": 7, "change_record": 31, "waiver_review": 92, "branch_protection": 7, "build_provenance": 31}, "open_days": {"critical": 7, "high": 30}},
	"branches": {"repositories": ["^your-organisation/falaj$"], "protected": ["main"], "minimum_reviews": 1, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass_known": false},
	"builds": {"builders": ["^https://github\\.com/your-organisation/falaj/\\.github/workflows/[a-z_-]+\\.yml@refs/heads/main$", "^https://falaj\\.internal/builders/[a-z0-9-]+$"], "repositories": ["^git\\+https://github\\.com/your-organisation/falaj$"]},
	"repository": {"runbooks": ["incident", "breach", "residency_exception", "restore_state", "rollback_release"], "contacts": ["incident lead", "data protection officer", "regulator"], "review_days": 366, "cloud_secrets": "(?i)(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|PULUMI_ACCESS_TOKEN)"},
	"release": {
		"formats": ["safetensors", "onnx"],
		"quality_floor": {"metrics": {"accuracy": 0.3, "rougeL": 0.1}, "tasks": {"hard": 0.05}},
		"maximum_compression_loss": 0.02,
		"minimum_rows": 30,
		"points_above_baseline": {"language": 20},
		"refused_licences": ["(?i)cc-by-nc"],
		"card_fields": ["purpose", "not_for", "owner", "base_model", "licence", "data", "metrics", "limits", "energy"],
		"slices": {"minimum_rows": 30, "floor": 0.5, "maximum_loss": 0.15},
		"minimum_reference_rows": 40,
	},
}

unknown := {"__falaj__": "unknown"}

urn(type, name) := sprintf("urn:pulumi:prod::app::%v::%v", [type, name])

resource(type, name, inputs) := {
	"urn": urn(type, name),
	"type": type,
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

plan(resources) := {"plan": {"environment": "prod", "resources": [as_told(each) | some each in resources]}, "parameters": parameters, "now": "2026-01-01T00:00:00Z"}

# What the gate tells rules of a resource (infra/pipeline/asking.py, TOLD), and no more.
as_told(resource) := {field: value |
	some field, value in resource
	field in {"urn", "type", "op", "custom", "provider", "inputs", "property_dependencies"}
}

release(candidate, observed) := {"candidate": candidate, "observed": observed, "parameters": parameters, "now": "2026-01-01T00:00:00Z"}

# A release that every rule allows; tests change one fact of it.
candidate := {
	"schema": "falaj.candidate/1",
	"run": "r1",
	"base_model": {"name": "seed", "licence": "Apache-2.0", "digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"},
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
		"rows": {"train": 800, "validation": 100, "test": 100},
		"card_digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		"erasure": {
			"by": "group",
			"rows": 1000,
			"subjects": 700,
			"how": "leave the rows out and train again",
			"file": "prepare/erasure.json",
			"digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		},
	},
	"models": {
		"full": {
			"format": "safetensors",
			"files": {"train/model.safetensors": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"},
			"bytes": 1000,
		},
		"int8": {
			"format": "onnx",
			"files": {"compress/encoder.onnx": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"},
			"bytes": 300,
		},
	},
	"evaluation": {
		"tasks": {"language": {"metric": "accuracy", "rows": 100}, "summarize": {"metric": "rougeL", "rows": 100}},
		"models": {
			"full": {"language": {"accuracy": 0.8}, "summarize": {"rougeL": 0.3}},
			"int8": {"language": {"accuracy": 0.8}, "summarize": {"rougeL": 0.295}},
			"seed": {"language": {"accuracy": 0.1}, "summarize": {"rougeL": 0.2}},
		},
		"baselines": {"majority": {"language": {"accuracy": 0.4}}, "lead8": {"summarize": {"rougeL": 0.25}}},
		"slices": {
			"full": {
				"language": {"whole": {"rows": 60, "score": 0.8}, "label c": {"rows": 40, "score": 0.75}, "label lisp": {"rows": 5, "score": 0.0}},
				"summarize": {"whole": {"rows": 100, "score": 0.3}},
			},
			"int8": {
				"language": {"whole": {"rows": 60, "score": 0.8}, "label c": {"rows": 40, "score": 0.75}, "label lisp": {"rows": 5, "score": 0.0}},
				"summarize": {"whole": {"rows": 100, "score": 0.3}},
			},
		},
	},
	"code": {"commit": "abc"},
	"recipe": {"name": "local_seed"},
	"drift": {"reference": {"split": "validation", "rows": 100}, "windows": [50, 100]},
	"bom": {
		"bomFormat": "CycloneDX",
		"specVersion": "1.6",
		"version": 1,
		"metadata": {
			"component": {
				"type": "machine-learning-model",
				"bom-ref": "model",
				"name": "flan-t5",
				"modelCard": {"modelParameters": {"task": "text-to-text generation"}},
			},
		},
		"components": [
			{
				"type": "machine-learning-model",
				"bom-ref": "base-model",
				"name": "seed",
				"licenses": [{"license": {"name": "Apache-2.0"}}],
				"hashes": [{"alg": "SHA-256", "content": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}],
			},
			{
				"type": "data",
				"bom-ref": "data:debian",
				"name": "debian",
				"licenses": [{"license": {"name": "DFSG-free"}}],
				"hashes": [{"alg": "SHA-256", "content": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}],
			},
			{
				"type": "file",
				"bom-ref": "file:compress/encoder.onnx",
				"name": "compress/encoder.onnx",
				"hashes": [{"alg": "SHA-256", "content": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}],
			},
		],
	},
	"documents": {
		"evaluate/model_card.json": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		"evaluate/bom.json": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
	},
	"model_card": {
		"schema": "falaj.modelcard/1",
		"owner": "ml-platform",
		"purpose": "answers texts",
		"not_for": "decisions about people",
		"base_model": {"name": "seed"},
		"licence": "Apache-2.0",
		"data": {"name": "packages"},
		"metrics": {
			"full": {"language": {"accuracy": 0.8, "rows": 100}, "summarize": {"rougeL": 0.3, "rows": 100}},
			"int8": {"language": {"accuracy": 0.8, "rows": 100}, "summarize": {"rougeL": 0.3, "rows": 100}},
		},
		"limits": ["reads 80 tokens"],
		"energy": {"training_seconds": 90},
	},
}

observed := {
	"train/model.safetensors": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
	"compress/encoder.onnx": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
	"train/manifest.json": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
	"evaluate/model_card.json": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
	"evaluate/bom.json": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
	"prepare/erasure.json": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
}

# A repository that every rule allows; tests replace what they name.
repository(changes) := {"repository": replaced(facts, changes), "parameters": parameters, "now": "2026-01-01T00:00:00Z"}

# Documents that every rule allows; tests replace what they name.
evidence(changes, unreadable) := {"evidence": {"documents": replaced(documents, changes), "unreadable": unreadable}, "parameters": parameters, "now": "2026-01-01T00:00:00Z"}

replaced(whole, changes) := object.union({name: value | some name, value in whole; not name in object.keys(changes)}, changes)

facts := {
	"workflows": {
		".github/workflows/ci.yml": {
			"error": "",
			"triggers": ["push"],
			"permissions": {"contents": "read"},
			"jobs": {
				"test": {
					"permissions": null,
					"uses": ["actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"],
					"steps": [{"uses": "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "with": {}}],
				},
			},
			"secrets": [],
		},
	},
	"dockerfiles": {},
	"locks": {"requirements/all.txt": {"error": "", "packages": 3, "without_version": [], "without_digest": []}},
	"declares_dependencies": ["pyproject.toml"],
	"runbooks": {
		"incident": {"error": "", "title": "T", "when": "w", "steps": 4},
		"breach": {"error": "", "title": "T", "when": "w", "steps": 4},
		"residency_exception": {"error": "", "title": "T", "when": "w", "steps": 4},
		"restore_state": {"error": "", "title": "T", "when": "w", "steps": 4},
		"rollback_release": {"error": "", "title": "T", "when": "w", "steps": 4},
	},
	"contacts": {
		"there": true,
		"error": "",
		"content": {
			"reviewed": "2025-12-01",
			"contacts": [
				{"role": "incident lead", "name": "n", "reach": "x"},
				{"role": "data protection officer", "name": "n", "reach": "x"},
				{"role": "regulator", "name": "n", "reach": "x"},
			],
		},
	},
	"inventory": {
		"there": true,
		"error": "",
		"content": {"reviewed": "2025-12-01", "items": [{"name": "stack foundation", "owner": "ml-platform", "data_class": "internal"}]},
	},
	"parts": ["stack foundation"],
}

documents := {
	"drift_run": [
		{
			"at": "2025-12-31T12:00:00Z",
			"by": "somebody",
			"facts": {"state": "ok", "release": "r1-0a1b2c3d", "requests": 400, "action": ""},
			"file": "drift_run.json",
			"signed": true,
			"why": "",
		},
	],
	"restore_test": [
		{
			"at": "2025-12-31T12:00:00Z",
			"by": "somebody",
			"facts": {"restored": ["state", "artifacts"], "succeeded": true, "minutes": 35, "compared": "digests"},
			"file": "restore_test.json",
			"signed": true,
			"why": "",
		},
	],
	"access_review": [
		{
			"at": "2025-12-31T12:00:00Z",
			"by": "somebody",
			"facts": {"reviewer": "name", "identities": 12, "removed": 1, "open": 0},
			"file": "access_review.json",
			"signed": true,
			"why": "",
		},
	],
	"vulnerability_scan": [
		{
			"at": "2025-12-31T12:00:00Z",
			"by": "somebody",
			"facts": {
				"tool": "name and version",
				"targets": ["requirements/all.txt"],
				"open": [{"id": "CVE-2026-0001", "severity": "high", "since": "2025-12-20"}],
			},
			"file": "vulnerability_scan.json",
			"signed": true,
			"why": "",
		},
	],
	"off_switch_test": [
		{
			"at": "2025-12-31T12:00:00Z",
			"by": "somebody",
			"facts": {"took_back": "r2-0a1b2c3d", "to": "r1-0a1b2c3d", "succeeded": true, "seconds": 40},
			"file": "off_switch_test.json",
			"signed": true,
			"why": "",
		},
	],
	"incident_drill": [
		{
			"at": "2025-12-31T12:00:00Z",
			"by": "somebody",
			"facts": {"runbook": "incident", "people": 4, "findings": 2, "open": 0},
			"file": "incident_drill.json",
			"signed": true,
			"why": "",
		},
	],
	"image_attestations": [
		{
			"at": "2025-12-31T12:00:00Z",
			"by": "somebody",
			"facts": {
				"images": [{"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "signed": true, "bill_of_materials": true}],
			},
			"file": "image_attestations.json",
			"signed": true,
			"why": "",
		},
	],
	"release_served": [
		{
			"at": "2025-12-31T12:00:00Z",
			"by": "somebody",
			"facts": {
				"release": "r1-0a1b2c3d",
				"registered": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
				"served": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"],
			},
			"file": "release_served.json",
			"signed": true,
			"why": "",
		},
	],
	"change_record": [
		{
			"at": "2025-12-31T12:00:00Z",
			"by": "somebody",
			"facts": {
				"plan": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
				"policy": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
				"state_serial": 1,
				"author": "name",
				"approver": "another name",
				"rollback": "commit or plan to go back to",
			},
			"file": "change_record.json",
			"signed": true,
			"why": "",
		},
	],
	"waiver_review": [
		{
			"at": "2025-12-31T12:00:00Z",
			"by": "somebody",
			"facts": {"waivers": [{"id": "w1", "owner": "name", "reason": "why", "control": "what protects instead", "approvals": 2, "expires": "2026-12-31"}]},
			"file": "waiver_review.json",
			"signed": true,
			"why": "",
		},
	],
	"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass": []}]}, "file": "branch_protection.json", "signed": true, "why": ""}],
	"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}],
}
