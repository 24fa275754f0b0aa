"""The residency record of a happy prod, with one fact changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from falaj.errors import UsageError
from infra.audit.residency import decisions, record
from infra.config.classes import CLASSES
from infra.config.load import load_environment
from infra.config.model import EgressConfig
from tests.policies.samples import LIBRARY

NOW = "2026-11-27T12:00:00Z"


def prod(**changed: object) -> dict:
    decided = decisions()
    decided = {name: each.model_copy(update=changed.get(name, {})) for name, each in decided.items()}  # ty: ignore[invalid-argument-type]
    return record(load_environment("prod").foundation, LIBRARY, now=NOW, decided=decided)


def test_every_class_has_its_reason_its_place_and_its_decision() -> None:
    made = prod()
    assert list(made["classes"]) == list(CLASSES) and made["open"] == []
    personal = made["classes"]["personal"]
    assert {key: personal[key] for key in ("residency", "region", "buckets", "tables", "file_systems", "key", "retention_days")} == {
        "residency": "uae-pdpl-22",
        "region": "me-central-1",
        "buckets": ["falaj-prod-data-333333333333"],
        "tables": ["falaj-prod-features"],
        "file_systems": ["falaj-prod-files"],
        "key": "alias/falaj-prod-personal",
        "retention_days": 365,
    }
    assert (personal["on_loss_of_region"]["decision"], personal["on_loss_of_region"]["exceptions"]) == ("stay", [])


def test_what_cannot_be_kept_in_the_country_is_named_with_where_it_lies() -> None:
    made = prod()["global_services"]
    assert made["iam"] == {"place": "us-east-1, copied to every region", "used": True, "why": "names of roles and policies, no content of ours"}
    assert made["cloudfront"]["used"] is False


def test_a_domain_that_nodes_may_reach_is_a_way_out() -> None:
    closed = load_environment("prod").foundation
    network = closed.network.model_copy(update={"egress": EgressConfig(domains=("hub.example.org",))})
    assert [record(each, LIBRARY, now=NOW)["ways_out"] for each in (closed, closed.model_copy(update={"network": network}))] == [[], ["hub.example.org"]]


def test_the_rules_that_keep_data_in_the_country_are_named() -> None:
    assert {"provider_region", "resource_region", "copies_stay", "references_stay", "sinks_stay", "state_stays"} <= set(prod()["rules"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"personal": {"review_by": date(2026, 11, 26)}}, "personal: its decision was to be looked at again by 2026-11-26"),
        ({"confidential": {"decision": "basis"}}, "confidential: a legal basis lies ready, and nothing says where"),
        ({"evidence": {"decision": "copy"}}, "evidence: a copy abroad is decided, and no exception in force lets it be there"),
    ],
)
def test_what_somebody_has_to_do_is_said(changed: dict, said: str) -> None:
    assert prod(**changed)["open"] == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("decisions: {}", "nobody has decided about 'confidential'"),
        ("decisions: {personal: {decision: perhaps}}", "cannot be read"),
        ("decisions", "cannot be read"),
    ],
)
def test_decisions_that_are_none_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "residency.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        decisions(path)
