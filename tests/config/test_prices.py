"""The price table holds together: every price says where and when it was read, and nothing is priced twice."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from falaj.home import ROOT
from infra.config.load import load_environment
from infra.config.model import ENVIRONMENTS
from infra.config.prices import Prices, prices
from infra.config.regions import require_instance_type

TABLE = ROOT / "infra" / "config" / "prices.yaml"


def happy() -> dict[str, Any]:
    """The table as it is written."""
    return yaml.safe_load(Path(TABLE).read_text())


def refusal(table: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        Prices.model_validate(table)
    return caught.value.errors()[0]["msg"]


def test_an_instance_type_has_its_price_unit_source_and_date() -> None:
    found = prices().regions["me-central-1"].find("m7i.2xlarge")
    assert found is not None
    assert (found.usd, found.unit, prices().dated(found)) == (Decimal("0.49436"), "instance-hour", "AmazonEC2, read 2026-11-26")


def test_what_nobody_has_found_has_neither_price_nor_source() -> None:
    found = prices().regions["me-central-1"].find("shared-files")
    assert found is not None
    assert (found.usd, found.source, prices().dated(found)) == (None, "", "")


def test_what_the_table_does_not_know_is_none() -> None:
    assert prices().regions["me-central-1"].find("g7e.2xlarge") is None


def test_a_price_without_a_source_is_refused() -> None:
    table = happy()
    del table["regions"]["me-central-1"]["items"]["key"]["source"]
    assert refusal(table) == "Value error, 'customer managed key' needs both a price and its source, or neither"


def test_a_source_that_is_not_listed_is_refused() -> None:
    table = happy()
    table["regions"]["me-central-1"]["items"]["key"]["source"] = "hearsay"
    assert refusal(table) == "Value error, prices of me-central-1 name sources that there are not: hearsay"


def test_a_machine_with_two_prices_is_refused() -> None:
    table = happy()
    table["regions"]["me-central-1"]["instances"]["ec2"]["m7i.large"] = 0.1
    assert refusal(table) == "Value error, two prices for m7i.large"


def test_only_machines_that_the_region_has_are_priced() -> None:
    for name, region in prices().regions.items():
        for wanted in (wanted for group in region.instances.values() for wanted in group):
            require_instance_type(name, wanted, gpu=wanted.startswith(("g5.", "g6.", "g6e.", "p5en.")), given=str(TABLE))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_machine_of_our_environments_has_a_price(environment: str) -> None:
    config = load_environment(environment)
    wanted = {each for pool in config.cluster.pools for each in pool.instance_types}
    assert {each for each in wanted if prices().regions[config.region].find(each) is None} == set()
