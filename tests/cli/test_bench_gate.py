"""The plans that `falaj bench gate` measures, without any measuring."""

from __future__ import annotations

from pathlib import Path

from infra.artifacts import Plan
from infra.cli.bench_gate import covered, large_plan

DOOR = "ValidatingAdmissionPolicy"


def test_a_large_plan_holds_each_resource_once_and_keeps_parts_with_their_buckets(tmp_path: Path) -> None:
    plan = Plan.of(large_plan(1_000), tmp_path)
    urns = [resource.urn for resource in plan.resources]
    assert len(urns) == len(set(urns)) == 1_000
    buckets = [resource for resource in plan.resources if resource.type == "aws:s3/bucket:Bucket"]
    parts = [resource for resource in plan.resources if resource.type.startswith("aws:s3/bucketVersioning:")]
    assert len({bucket.inputs["bucket"] for bucket in buckets}) == len(buckets) > 10
    assert {urn for part in parts for urn in part.property_dependencies["bucket"]} <= {bucket.urn for bucket in buckets}
    named = {kind: [each.inputs["metadata"]["name"] for each in plan.resources if each.type.endswith(f":{kind}")] for kind in ("Namespace", DOOR)}
    assert len(set(named["Namespace"])) == len(named["Namespace"]) > 4
    assert len(named[DOOR]) > len(set(named[DOOR])) > 10


def test_coverage_names_every_rule_and_every_catalogue() -> None:
    found, words = covered()
    assert found["judged"] == found["rules"] > 80
    assert found["silent"] == ()
    assert sorted(found["controls"]) == ["eu_ai_act", "gdpr", "iso27001", "iso42001", "uae_pdpl"]
    assert all(one["judged"] == one["with_rules"] for one in found["controls"].values())
    assert len(words) == 6
