"""Forms of values that all config is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$")]
Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti)?$")]
PublicKey = Annotated[str, StringConstraints(pattern=r"^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----\n$")]

Profile = Annotated[str, StringConstraints(pattern=r"^[1-7]g\.[0-9]{1,3}gb$")]
"""Of a slice of a GPU (MIG), as NVIDIA names it: sevenths of its processors, and memory."""


class Frozen(BaseModel):
    """Base of all config: nothing changes after loading, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
