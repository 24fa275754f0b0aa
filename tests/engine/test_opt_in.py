"""A region that has to be switched on is asked for before anything is applied there."""

from __future__ import annotations

import pytest

from falaj.errors import UsageError
from infra.engine.opt_in import require_switched_on


@pytest.mark.parametrize("said", ["ENABLED", "ENABLED_BY_DEFAULT"])
def test_a_region_that_is_on_is_used(said: str) -> None:
    require_switched_on("me-central-1", ask=lambda region: said)


@pytest.mark.parametrize(
    ("said", "next"),
    [
        ("DISABLED", "aws account enable-region --region-name me-central-1, then wait until it is ENABLED"),
        ("DISABLING", "aws account enable-region --region-name me-central-1, then wait until it is ENABLED"),
        ("ENABLING", "wait some minutes and run this again"),
    ],
)
def test_a_region_that_is_off_is_refused_with_the_command_that_switches_it_on(said: str, next: str) -> None:
    with pytest.raises(UsageError) as refused:
        require_switched_on("me-central-1", ask=lambda region: said)
    answers = refused.value.answers()
    assert (refused.value.what, answers["given"], answers["next"]) == ("region me-central-1 is not switched on in this account", f"AWS says {said}", next)
    assert "InvalidClientTokenId" in answers["why"]
