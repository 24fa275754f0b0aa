"""What a region's resources cost, from `prices.yaml`: each price with its unit, its source and that source's date."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

_TABLE = Path(__file__).with_name("prices.yaml")


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Row):
    """Where prices were read."""

    offer: str
    """Name of AWS's offer file."""
    date: date
    dated: Literal["published", "read"]
    """What `date` is: the offer file's own day, or the day on which it was read where a copy does not say that."""


class Price(_Row):
    """One price; `usd` is None where nobody has found it, and the thing is unpriced."""

    usd: Decimal | None = Field(default=None, ge=0)
    unit: str
    source: str = ""
    what: str = ""

    @model_validator(mode="after")
    def _sourced(self) -> Self:
        if (self.usd is None) != (not self.source):
            raise ValueError(f"'{self.what}' needs both a price and its source, or neither")
        return self


class RegionPrices(_Row):
    """One region's prices."""

    instances: dict[str, dict[str, Decimal]]
    """Source -> instance type -> USD an hour, on demand, Linux."""
    items: dict[str, Price]

    @model_validator(mode="after")
    def _once(self) -> Self:
        listed = [name for group in self.instances.values() for name in group]
        if twice := sorted({name for name in listed if listed.count(name) > 1}):
            raise ValueError(f"two prices for {', '.join(twice)}")
        return self

    def find(self, name: str) -> Price | None:
        """The price of an item, or of an instance type such as `m7i.large`; None for what the table does not know."""
        for source, group in self.instances.items():
            if name in group:
                return Price(usd=group[name], unit="instance-hour", source=source, what=name)
        return self.items.get(name)


class Prices(_Row):
    """The whole table."""

    currency: Literal["USD"]
    hours_a_month: int
    sources: dict[str, Source]
    regions: dict[str, RegionPrices]

    @model_validator(mode="after")
    def _known_sources(self) -> Self:
        for name, region in self.regions.items():
            used = set(region.instances) | {price.source for price in region.items.values() if price.source}
            if unknown := sorted(used - set(self.sources)):
                raise ValueError(f"prices of {name} name sources that there are not: {', '.join(unknown)}")
        return self

    @property
    def dates(self) -> tuple[date, date]:
        """The oldest and the newest source."""
        found = sorted(source.date for source in self.sources.values())
        return found[0], found[-1]

    def dated(self, price: Price) -> str:
        """Source of a price in words, such as `AmazonEC2, published 2026-09-25`; empty for a price that nobody has found."""
        if not price.source:
            return ""
        source = self.sources[price.source]
        return f"{source.offer}, {source.dated} {source.date}"


@cache
def prices() -> Prices:
    """The table, read once."""
    return Prices.model_validate(yaml.safe_load(_TABLE.read_text(encoding="utf-8")))
