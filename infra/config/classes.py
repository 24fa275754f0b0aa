"""Data classes: what kind of data a thing holds, why it must stay where it is, and how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

ClassName = Literal["public", "internal", "confidential", "personal", "evidence"]


class Residency(StrEnum):
    """Why data of a class may not leave the allowed regions."""

    FREE = "free"
    """No reason: published data. It is kept in the region all the same, since nothing is gained by moving it."""
    HOUSE_RULE = "house-rule"
    """The organisation's own decision, not a law."""
    CONTRACT = "contract"
    """Customers were promised it."""
    PDPL_22 = "uae-pdpl-22"
    """UAE PDPL art. 22: no transfer out of the country without a recorded basis."""
    PROOF = "proof"
    """Evidence has to be where the authority that asks for it is."""

    @property
    def reason(self) -> str:
        """One sentence for an error or a report."""
        return {
            "free": "published data is kept with the rest",
            "house-rule": "internal data stays in the country by the organisation's own rule",
            "contract": "customers were promised that confidential data stays in the country",
            "uae-pdpl-22": "UAE PDPL art. 22: no transfer without a recorded basis",
            "proof": "evidence has to be where the authority that asks for it is",
        }[self.value]


@dataclass(frozen=True)
class DataClass:
    """One class. Days count from the day an object is written."""

    name: ClassName
    residency: Residency
    legal_basis: str
    """Value of the `legal-basis` tag."""
    retention_days: int
    """When objects end, unless the environment says otherwise."""
    noncurrent_days: int
    """How long a replaced or deleted version can be had back."""


CLASSES: dict[ClassName, DataClass] = {
    each.name: each
    for each in (
        DataClass("public", Residency.FREE, "none", 365, 7),
        DataClass("internal", Residency.HOUSE_RULE, "legitimate-interest", 400, 30),
        DataClass("confidential", Residency.CONTRACT, "contract", 1095, 30),
        DataClass("personal", Residency.PDPL_22, "consent", 365, 14),
        DataClass("evidence", Residency.PROOF, "legal-obligation", 2555, 30),
    )
}
