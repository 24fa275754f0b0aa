"""What is applied is what somebody else approved, to the digest."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from falaj.errors import Denied, Undecided, UsageError
from infra.cli.up import up
from infra.pipeline import author
from infra.pipeline.approved import Approval, approval_of, refuse_unless_approved
from tests.policies.samples import plan_of

PLAN = plan_of([])
WORDS = (f"foundation={PLAN.digest}",)


@pytest.fixture(autouse=True)
def me(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_AUTHOR", "amal")


def test_the_approved_plan_may_be_applied() -> None:
    refuse_unless_approved("foundation", PLAN, Approval("badr", {"foundation": PLAN.digest}))


@pytest.mark.parametrize("digests", [{}, {"foundation": "sha256:" + "0" * 64}, {"cluster": PLAN.digest}])
def test_any_other_plan_may_not(digests: dict[str, str]) -> None:
    with pytest.raises(Undecided, match="nobody has approved this plan of foundation") as refusal:
        refuse_unless_approved("foundation", PLAN, Approval("badr", digests))
    assert refusal.value.answers()["given"] == PLAN.digest


def test_one_changed_byte_is_another_plan() -> None:
    with pytest.raises(Undecided):
        refuse_unless_approved("foundation", PLAN.model_copy(update={"program": "sha256:" + "1" * 64}), Approval("badr", {"foundation": PLAN.digest}))


def test_prod_asks_for_an_approval_and_local_does_not() -> None:
    assert approval_of("local", (), "") is None
    with pytest.raises(Undecided, match="an apply to prod waits for somebody's approval"):
        approval_of("prod", (), "")


def test_an_approval_has_an_approver() -> None:
    with pytest.raises(Undecided) as refusal:
        approval_of("prod", WORDS, " ")
    assert refusal.value.answers()["given"] == "no approver"


@pytest.mark.parametrize("name", ["amal", "Amal", " amal "])
def test_nobody_approves_a_plan_of_their_own(name: str) -> None:
    with pytest.raises(Denied, match="made these plans and approves them"):
        approval_of("prod", WORDS, name)


@pytest.mark.parametrize("name", ["amal@example.org", "Amal K", "amalk"])
def test_nobody_approves_a_plan_of_their_own_by_another_of_their_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FALAJ_AUTHOR")
    said = {"user.email": "amal@example.org", "user.name": "Amal K"}
    monkeypatch.setattr(author, "_of_git", lambda key="user.email": said[key])
    monkeypatch.setattr(author, "_of_system", lambda: "amalk")
    with pytest.raises(Denied, match="made these plans and approves them"):
        approval_of("prod", WORDS, name)
    assert approval_of("prod", WORDS, "badr") == Approval("badr", {"foundation": PLAN.digest})


def test_where_nobody_knows_who_made_the_plans_nobody_can_be_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FALAJ_AUTHOR")
    for source in ("_of_git", "_of_system", "_of_change"):
        monkeypatch.setattr(author, source, lambda *_: "")
    with pytest.raises(Undecided, match="nobody can say who made these plans"):
        approval_of("prod", WORDS, "badr")


@pytest.mark.parametrize("name", ["carol", "Dan@example.org"])
def test_who_wrote_the_change_does_not_approve_it_when_somebody_else_runs_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_CHANGED_BY", "carol dan@example.org")
    with pytest.raises(Denied, match="made these plans and approves them"):
        approval_of("prod", WORDS, name)
    assert approval_of("prod", WORDS, "badr") == Approval("badr", {"foundation": PLAN.digest})


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which carol wrote a change on a branch, which badr merged; the merge is checked out."""
    monkeypatch.setattr(author, "ROOT", tmp_path)
    git(tmp_path, "ada", "init", "-q", "-b", "main")
    git(tmp_path, "ada", "commit", "-q", "--allow-empty", "-m", "first")
    git(tmp_path, "carol", "checkout", "-q", "-b", "change")
    git(tmp_path, "carol", "commit", "-q", "--allow-empty", "-m", "change")
    git(tmp_path, "badr", "checkout", "-q", "main")
    git(tmp_path, "badr", "merge", "-q", "--no-ff", "-m", "merge", "change")
    return tmp_path


def git(folder: Path, who: str, *words: str) -> None:
    said = {f"GIT_{role}_{what}": f"{who}{end}" for role in ("AUTHOR", "COMMITTER") for what, end in (("NAME", ""), ("EMAIL", "@example.org"))}
    subprocess.run(["git", *words], cwd=folder, env={**os.environ, **said}, check=True)


@pytest.mark.parametrize("name", ["carol", "carol@example.org"])
def test_the_author_of_the_commit_does_not_approve_it(name: str, checkout: Path) -> None:
    for branch in ("main", "change"):
        git(checkout, "badr", "checkout", "-q", branch)
        with pytest.raises(Denied, match="made these plans and approves them"):
            approval_of("prod", WORDS, name)


def test_who_merged_it_may_approve_it(checkout: Path) -> None:
    assert approval_of("prod", WORDS, "badr") == Approval("badr", {"foundation": PLAN.digest})


def test_somebody_elses_approval_names_the_plans() -> None:
    assert approval_of("prod", WORDS, "badr") == Approval("badr", {"foundation": PLAN.digest})


@pytest.mark.parametrize("word", ["foundation", "mars=sha256:00", "foundation=abc"])
def test_an_approval_that_names_no_stack_or_no_digest_is_refused(word: str, falaj_home: Path) -> None:
    result = CliRunner().invoke(up, ["--env", "local", "--approved", word, "--approver", "badr"])
    assert isinstance(result.exception, UsageError)
