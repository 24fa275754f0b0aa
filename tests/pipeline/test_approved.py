"""What is applied is what was approved, to the digest."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from falaj.errors import Undecided, UsageError
from infra.cli.up import up
from infra.pipeline.converge import refuse_unless_approved
from tests.policies.samples import plan_of

PLAN = plan_of([])


def test_the_approved_plan_may_be_applied() -> None:
    refuse_unless_approved("foundation", PLAN, {"foundation": PLAN.digest})


@pytest.mark.parametrize("approved", [{}, {"foundation": "sha256:" + "0" * 64}, {"cluster": PLAN.digest}])
def test_any_other_plan_may_not(approved: dict[str, str]) -> None:
    with pytest.raises(Undecided, match="nobody has approved this plan of foundation") as refusal:
        refuse_unless_approved("foundation", PLAN, approved)
    assert refusal.value.answers()["given"] == PLAN.digest


def test_one_changed_byte_is_another_plan() -> None:
    other = PLAN.model_copy(update={"program": "sha256:" + "1" * 64})
    with pytest.raises(Undecided):
        refuse_unless_approved("foundation", other, {"foundation": PLAN.digest})


@pytest.mark.parametrize("word", ["foundation", "mars=sha256:00", "foundation=abc"])
def test_an_approval_that_names_no_stack_or_no_digest_is_refused(word: str, falaj_home: object) -> None:
    result = CliRunner().invoke(up, ["--env", "local", "--approved", word])
    assert isinstance(result.exception, UsageError)
