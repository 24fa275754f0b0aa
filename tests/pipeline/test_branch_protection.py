"""What GitHub answers about a branch becomes facts: the strictest of all that holds, and nothing that it did not say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.pipeline.branch_protection import facts

OURS = "your-organisation/falaj"
CHECKS = ["gate (dev)", "gate (prod)", "test"]
BARE = {
    "branch": "main",
    "reviews": 0,
    "stale_reviews_dismissed": False,
    "last_push_reviewed_by_another": False,
    "force_pushes": True,
    "deletion": True,
    "checks": [],
    "bypass": [],
}
WHOLE = {
    "branch": "main",
    "reviews": 1,
    "stale_reviews_dismissed": True,
    "last_push_reviewed_by_another": True,
    "force_pushes": False,
    "deletion": False,
    "checks": CHECKS,
    "bypass": None,
}


def rule(kind: str, ruleset: int = 7, source: str = OURS, **parameters: Any) -> dict[str, Any]:
    found = {"type": kind, "ruleset_source_type": "Repository", "ruleset_source": source, "ruleset_id": ruleset}
    return {**found, "parameters": parameters} if parameters else found


def pull_request(reviews: Any = 1, *, stale: Any = True, last: Any = True, ruleset: int = 7) -> dict[str, Any]:
    asked = {"required_approving_review_count": reviews, "dismiss_stale_reviews_on_push": stale, "require_last_push_approval": last}
    return rule("pull_request", ruleset, **asked, require_code_owner_review=False, required_review_thread_resolution=True)


def checks(*contexts: str, ruleset: int = 7) -> dict[str, Any]:
    asked = [{"context": context, "integration_id": 15368} for context in contexts]
    return rule("required_status_checks", ruleset, strict_required_status_checks_policy=True, required_status_checks=asked)


RULES = [rule("deletion"), rule("non_fast_forward"), pull_request(), checks(*CHECKS), rule("required_linear_history"), rule("one_of_tomorrow", why="?")]
RULESET = {"id": 7, "name": "main", "source_type": "Repository", "source": OURS, "enforcement": "active", "bypass_actors": [], "rules": []}
PROTECTION: dict[str, Any] = {
    "url": f"https://api.github.com/repos/{OURS}/branches/main/protection",
    "required_status_checks": {"strict": True, "contexts": ["test"], "checks": [{"context": "gate (prod)", "app_id": None}, {"context": "gate (dev)"}]},
    "enforce_admins": {"url": "...", "enabled": True},
    "required_pull_request_reviews": {"dismiss_stale_reviews": True, "require_last_push_approval": True, "required_approving_review_count": 1},
    "allow_force_pushes": {"enabled": False},
    "allow_deletions": {"enabled": False},
}


def read(folder: Path, *answers: Any, rulesets: tuple[Any, ...] = (), repository: str = OURS) -> dict[str, Any]:
    """The facts of the branch main that these answers make."""
    (branch,) = read_all(folder, *[("main", each) for each in answers], rulesets=rulesets, repository=repository)["branches"]
    return branch


def read_all(folder: Path, *answers: tuple[str, Any], rulesets: tuple[Any, ...] = (), repository: str = OURS) -> dict[str, Any]:
    def saved(name: str, value: Any) -> Path:
        path = folder / f"{name}.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    named = [(branch, saved(f"{branch}{number}", answer)) for number, (branch, answer) in enumerate(answers)]
    return facts(repository, named, [saved(f"ruleset{number}", each) for number, each in enumerate(rulesets)])


def test_rules_of_a_branch_become_facts_and_who_may_pass_by_is_not_known(tmp_path: Path) -> None:
    assert read_all(tmp_path, ("main", RULES)) == {"repository": OURS, "branches": [WHOLE]}


def test_a_branch_of_which_nothing_is_said_is_one_that_nobody_protects(tmp_path: Path) -> None:
    assert read(tmp_path, []) == BARE
    assert read(tmp_path, {"message": "Branch not protected", "status": "404"}) == BARE


@pytest.mark.parametrize(
    ("left_out", "facts_"),
    [
        ("deletion", {"deletion": True}),
        ("non_fast_forward", {"force_pushes": True}),
        ("required_status_checks", {"checks": []}),
        ("pull_request", {"reviews": 0, "stale_reviews_dismissed": False, "last_push_reviewed_by_another": False}),
    ],
)
def test_a_rule_that_is_not_there_is_missing_from_the_facts(left_out: str, facts_: dict[str, Any], tmp_path: Path) -> None:
    assert read(tmp_path, [each for each in RULES if each["type"] != left_out]) == {**WHOLE, **facts_}


def test_of_several_rulesets_the_strictest_holds(tmp_path: Path) -> None:
    second = [pull_request(2, stale=False, last=False, ruleset=8), checks("more", ruleset=8)]
    assert read(tmp_path, [*RULES, *second]) == {**WHOLE, "reviews": 2, "checks": ["gate (dev)", "gate (prod)", "more", "test"]}


def test_what_a_rule_does_not_say_is_not_said(tmp_path: Path) -> None:
    said = read(tmp_path, [rule("pull_request", required_approving_review_count=1)])
    assert (said["reviews"], said["stale_reviews_dismissed"], said["last_push_reviewed_by_another"]) == (1, None, None)
    assert read(tmp_path, [rule("pull_request")])["reviews"] is None


@pytest.mark.parametrize(
    ("actors", "bypass"),
    [
        ([], []),
        (None, None),
        ([{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}], ["RepositoryRole 5 (always)"]),
        (
            [{"actor_id": None, "actor_type": "DeployKey", "bypass_mode": "always"}, {"actor_id": 3, "actor_type": "Team"}],
            ["DeployKey (always)", "Team 3 (always)"],
        ),
    ],
)
def test_a_ruleset_names_who_may_pass_by_where_the_forge_tells(actors: Any, bypass: Any, tmp_path: Path) -> None:
    ruleset = {name: value for name, value in {**RULESET, "bypass_actors": actors}.items() if value is not None}
    assert read(tmp_path, RULES, rulesets=(ruleset,)) == {**WHOLE, "bypass": bypass}


def test_one_ruleset_that_tells_nobody_leaves_it_unknown_unless_another_names_somebody(tmp_path: Path) -> None:
    rules = [*RULES, rule("deletion", 8)]
    named = {**RULESET, "bypass_actors": [{"actor_id": 3, "actor_type": "Team", "bypass_mode": "pull_request"}]}
    assert read(tmp_path, rules, rulesets=(RULESET,))["bypass"] is None
    assert read(tmp_path, rules, rulesets=(named,))["bypass"] == ["Team 3 (pull_request)"]
    assert read(tmp_path, rules, rulesets=(RULESET, {**RULESET, "id": 8}))["bypass"] == []


def test_a_protection_from_before_rulesets_becomes_the_same_facts(tmp_path: Path) -> None:
    assert read(tmp_path, PROTECTION) == {**WHOLE, "bypass": []}


@pytest.mark.parametrize(
    ("change", "facts_"),
    [
        ({"enforce_admins": {"enabled": False}}, {"bypass": ["administrators"]}),
        ({"enforce_admins": None}, {"bypass": None}),
        ({"allow_force_pushes": {"enabled": True}}, {"force_pushes": True}),
        ({"allow_deletions": {"enabled": True}}, {"deletion": True}),
        ({"allow_deletions": None}, {"deletion": None}),
        ({"required_status_checks": None}, {"checks": []}),
        ({"required_pull_request_reviews": None}, {"reviews": 0, "stale_reviews_dismissed": False, "last_push_reviewed_by_another": False}),
        (
            {
                "required_pull_request_reviews": {
                    **PROTECTION["required_pull_request_reviews"],
                    "bypass_pull_request_allowances": {"users": [{"login": "amal"}], "teams": [{"slug": "owners"}], "apps": [{"slug": "bot"}]},
                }
            },
            {"bypass": ["app bot", "team owners", "user amal"]},
        ),
    ],
)
def test_a_protection_says_what_it_leaves_open(change: dict[str, Any], facts_: dict[str, Any], tmp_path: Path) -> None:
    assert read(tmp_path, {**PROTECTION, **change}) == {**WHOLE, "bypass": [], **facts_}


def test_rules_and_protection_of_one_branch_add_up(tmp_path: Path) -> None:
    weak = {**PROTECTION, "allow_force_pushes": {"enabled": True}, "required_pull_request_reviews": None}
    assert read(tmp_path, weak, [pull_request(2)]) == {**WHOLE, "reviews": 2, "force_pushes": True}
    assert read(tmp_path, RULES, {"message": "Branch not protected"}) == WHOLE
    assert [each["branch"] for each in read_all(tmp_path, ("trial", []), ("main", RULES))["branches"]] == ["main", "trial"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"message": "Not Found", "status": "404"}, "the forge said: Not Found"),
        ({"message": "Bad credentials"}, "the forge said: Bad credentials"),
        ({}, "it has neither rules nor the fields of a protection"),
        ("5", "it has neither rules nor the fields of a protection"),
        ([{"name": "main"}], "an entry of it is no rule: it has no type"),
        ([["deletion"]], "an entry of it is no rule: it has no type"),
        ([pull_request("1")], "required_approving_review_count is '1'"),
        ([pull_request(True)], "required_approving_review_count is True"),
        ([pull_request(-1)], "required_approving_review_count is -1"),
        ([pull_request(stale=1)], "dismiss_stale_reviews_on_push is 1"),
        ([{**rule("pull_request"), "parameters": []}], "parameters is []"),
        ([rule("required_status_checks", required_status_checks=["test"])], "what should have context is no object"),
        ([{**rule("deletion"), "ruleset_id": "7"}], "ruleset_id is '7'"),
        ({**PROTECTION, "enforce_admins": True}, "enforce_admins is True"),
    ],
)
def test_what_is_no_answer_about_a_branch_is_refused(answer: Any, why: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no answer about a branch") as refusal:
        read(tmp_path, answer)
    assert refusal.value.answers()["why"] == why and set(refusal.value.answers()) == {"given", "allowed", "why", "next"}


@pytest.mark.parametrize("ruleset", [[], {}, {"id": 7}, {"enforcement": "active"}, {**RULESET, "bypass_actors": ["amal"]}])
def test_what_is_no_ruleset_is_refused(ruleset: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no answer about a branch"):
        read(tmp_path, RULES, rulesets=(ruleset,))


@pytest.mark.parametrize(
    ("answer", "rulesets", "what"),
    [
        ([rule("deletion", source="somebody/else")], (), "repository"),
        ({**PROTECTION, "url": "https://api.github.com/repos/somebody/else/branches/main/protection"}, (), "repository"),
        ({**PROTECTION, "url": f"https://api.github.com/repos/{OURS}/branches/trial/protection"}, (), "branch"),
        (RULES, ({**RULESET, "source": "somebody/else"},), "repository"),
    ],
)
def test_an_answer_about_another_place_is_refused(answer: Any, rulesets: tuple[Any, ...], what: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"about another {what}"):
        read(tmp_path, answer, rulesets=rulesets)


def test_a_ruleset_of_no_branch_a_file_that_is_cut_off_and_no_repository_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no rule of these branches is of ruleset 8"):
        read(tmp_path, RULES, rulesets=({**RULESET, "id": 8},))
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path, json.dumps(RULES)[:-9])
    with pytest.raises(UsageError, match="this is no repository"):
        read(tmp_path, RULES, repository="")
