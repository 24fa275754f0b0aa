"""How a data set is cleaned. Safe is the default: personal data is masked, or its row put aside where the data was said to be public."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Handling = Literal["mask", "refuse", "keep"]
BY_CLASS: dict[str, Handling] = {"public": "refuse", "internal": "mask", "confidential": "mask", "personal": "mask"}
"""Data class -> what happens to personal data. In what was said to be public there should be none, so its row is put aside."""


class Balance(BaseModel):
    """Which label, and how often at most beside the rarest one. Only training rows are left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Literal["target", "task"] = "target"
    most_ratio: float = Field(ge=1)
    """No label keeps more than this many times the rows of the rarest label."""


class Cleaning(BaseModel):
    """The steps' settings; every key has a default that suits a small file of text pairs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data_class: Literal["public", "internal", "confidential", "personal"] = "personal"
    pii: Handling | None = None
    """Overrides what the class asks for; `keep` needs a `reason`."""
    reason: str = ""
    names: tuple[str, ...] = ()
    """Names of people to find, one or more words each, in any of the two scripts."""
    languages: tuple[str, ...] = ()
    """Codes of ISO 639-1; rows that are surely in another language are put aside. Empty: only counted."""
    shortest: int = Field(default=1, ge=1)
    longest: int = Field(default=100_000, ge=1)
    """Characters of a source or target; a longer text is a file in the wrong column, not a long example."""
    near: float = Field(default=0.85, gt=0.5, le=1)
    """Jaccard similarity of three-word shingles from which two texts are nearly the same."""
    near_within: Literal["drop", "keep"] = "keep"
    """What happens to nearly the same texts with the same answer inside of one split; across splits the earlier split always loses.

    Kept where nobody asks otherwise: rows made from one template are nearly the same and still differ in what matters."""
    balance: Balance | None = None

    @model_validator(mode="after")
    def _say_why(self) -> Cleaning:
        if self.pii == "keep" and not self.reason:
            raise ValueError("pii: keep needs a reason")
        return self

    @property
    def handling(self) -> Handling:
        """What happens to personal data."""
        return self.pii or BY_CLASS[self.data_class]
