"""What would plan or apply a part of an environment is refused by its name."""

from __future__ import annotations

import pytest

from falaj.errors import UsageError
from infra.cli.main import falaj
from infra.cli.options import REFUSED


@pytest.mark.parametrize("verb", ["plan", "gate", "up"])
@pytest.mark.parametrize("option", REFUSED)
def test_an_option_that_narrows_a_plan_is_refused_by_name(verb: str, option: str) -> None:
    with pytest.raises(UsageError, match=f"{option} is not taken") as caught:
        falaj.main([verb, "--env", "local", option, "urn:pulumi:local::a::b::c"], standalone_mode=False)
    assert caught.value.answers()["given"] == f"{option} urn:pulumi:local::a::b::c"
