"""Approval of an apply: the digests of the plans that may be applied, named by somebody who did not write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from falaj.errors import Denied, Undecided, UsageError
from infra.artifacts import Plan
from infra.pipeline.author import names_of_author
from infra.pipeline.library import Library
from infra.pipeline.plan import STACKS

_NEXT = "look at the plan and approve its digest: runbooks/approve_a_deploy.md"


@dataclass(frozen=True)
class Approval:
    """Stack -> digest of the plan that `approver` approved."""

    approver: str
    digests: Mapping[str, str]


def approval_of(environment: str, words: Sequence[str], approver: str) -> Approval | None:
    """What `STACK=DIGEST` words and their approver amount to; None where nobody approved and the environment does not ask for it.

    Raises UsageError for a word that is none, Undecided where an approval, its approver or the author is missing, Denied where author and
    approver are one.
    """
    pairs = [word.partition("=") for word in words]
    wrong = [word for word, (stack, _, digest) in zip(words, pairs, strict=True) if stack not in STACKS or not digest.startswith("sha256:")]
    if wrong:
        raise UsageError("an approval names a stack and the digest of its plan", given=", ".join(wrong), allowed="foundation=sha256:...")
    if not words and not Library.open().parameters(environment)["approval"]["required"]:
        return None
    if not words or not approver.strip():
        raise Undecided(
            f"an apply to {environment} waits for somebody's approval",
            given="no digest" if not words else "no approver",
            allowed="--approved STACK=DIGEST for every stack that changes, and --approver NAME",
            why="what is applied is what a second person looked at",
            next=_NEXT,
        )
    made_by = names_of_author()
    if not made_by:
        raise Undecided("nobody can say who made these plans", allowed="an author other than the approver", next="set FALAJ_AUTHOR to who made the change")
    if approver.strip().casefold() in made_by:
        raise Denied(
            f"{approver} made these plans and approves them",
            given=approver,
            allowed="somebody else",
            why="neither who runs this nor who wrote the change is a second person",
            next=_NEXT,
        )
    return Approval(approver.strip(), {stack: digest for stack, _, digest in pairs})


def refuse_unless_approved(stack: str, plan: Plan, approval: Approval) -> None:
    """Raise Undecided unless exactly this plan was approved."""
    if approval.digests.get(stack) != plan.digest:
        raise Undecided(
            f"nobody has approved this plan of {stack}",
            given=plan.digest,
            allowed=approval.digests.get(stack, "no digest was approved for this stack"),
            why="what is applied is what was looked at, to the byte; a stack's plan becomes another one when those below it are made",
            next=_NEXT,
        )
