"""What a forge asks of a change before it lets it into a branch, as facts of a `branch_protection` document.

Read from what GitHub's REST API answers, saved as files (https://docs.github.com/en/rest/repos/rules, /rest/branches/branch-protection):

- `GET /repos/{owner}/{repo}/rules/branches/{branch}`: the rules of all active rulesets that hold for a branch. Metadata to read is enough.
- `GET /repos/{owner}/{repo}/branches/{branch}/protection`: the protection of a branch that is older than rulesets. Administration to read.
- `GET /repos/{owner}/{repo}/rulesets/{ruleset_id}`: names who may pass by a ruleset, to those alone who may change it.

What holds for a branch adds up: GitHub takes the strictest of all. A kind of rule that is not known here asks something more of a change, so it is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from falaj.errors import UsageError
from infra.pipeline.reading import read_document

REPOSITORY = re.compile(r"^[A-Za-z0-9](-?[A-Za-z0-9])*/[A-Za-z0-9._-]+$")
_ASK = "gh api repos/OWNER/NAME/rules/branches/BRANCH > BRANCH.json"
_NOT_PROTECTED = "Branch not protected"
_OF_PROTECTION = re.compile(r"/repos/(?P<repository>[^/]+/[^/]+)/branches/(?P<branch>.+)/protection$")


@dataclass(frozen=True)
class Layer:
    """What one answer asks of a change; None is what it does not say. `bypass` names who need not heed it."""

    reviews: int | None = 0
    stale_reviews_dismissed: bool | None = False
    last_push_reviewed_by_another: bool | None = False
    force_pushes: bool | None = True
    deletion: bool | None = True
    checks: frozenset[str] = frozenset()
    bypass: frozenset[str] | None = frozenset()


def facts(repository: str, answers: Sequence[tuple[str, Path]], rulesets: Sequence[Path] = ()) -> dict[str, Any]:
    """Facts of a document from files of answers: (branch, its rules or its protection), and the rulesets that say who may pass by.

    A branch of which an answer says nothing is one that nobody protects. Raises UsageError for a file that is no such answer, or one about another
    repository or branch.
    """
    if not REPOSITORY.match(repository):
        raise UsageError("this is no repository", given=repository or "nothing", allowed="owner/name", next="--repository, or GITHUB_REPOSITORY")
    passers = dict(_ruleset(path, repository) for path in rulesets)
    layers: dict[str, list[Layer]] = {}
    used: set[int] = set()
    for branch, path in answers:
        answer = read_document(path, what="answer of the forge", next=_ASK)
        if isinstance(answer, list):
            layers.setdefault(branch, []).append(_of_rules(answer, repository, passers, path))
            used |= {rule["ruleset_id"] for rule in answer if "ruleset_id" in rule}
        else:
            layers.setdefault(branch, []).append(_of_protection(answer, repository, branch, path))
    if stray := sorted(set(passers) - used):
        allowed = f"the rulesets {sorted(used)}"
        raise UsageError(f"no rule of these branches is of ruleset {stray[0]}", given=", ".join(map(str, rulesets)), allowed=allowed, next="leave it out")
    return {"repository": repository, "branches": [_together(branch, each) for branch, each in sorted(layers.items())]}


def _together(branch: str, layers: Sequence[Layer]) -> dict[str, Any]:
    """The strictest of all layers. Who may pass by one of them is named, though another may still hold him."""
    bypass = [each.bypass for each in layers]
    named = sorted({who for each in bypass if each for who in each})
    return {
        "branch": branch,
        "reviews": max((each.reviews for each in layers if each.reviews is not None), default=None),
        "stale_reviews_dismissed": _any(each.stale_reviews_dismissed for each in layers),
        "last_push_reviewed_by_another": _any(each.last_push_reviewed_by_another for each in layers),
        "force_pushes": _all(each.force_pushes for each in layers),
        "deletion": _all(each.deletion for each in layers),
        "checks": sorted({check for each in layers for check in each.checks}),
        "bypass": named if named or None not in bypass else None,
    }


def _any(values: Iterable[bool | None]) -> bool | None:
    said = list(values)
    return True if True in said else None if None in said else False


def _all(values: Iterable[bool | None]) -> bool | None:
    wrong = _any(None if value is None else not value for value in values)
    return None if wrong is None else not wrong


def _of_rules(answer: Sequence[Any], repository: str, passers: Mapping[int, frozenset[str] | None], path: Path) -> Layer:
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for rule in answer:
        if not isinstance(rule, dict) or not isinstance(rule.get("type"), str):
            _wrong(path, "an entry of it is no rule: it has no type")
        if rule.get("ruleset_source_type") == "Repository":
            _same(path, "repository", str(rule.get("ruleset_source")), repository)
        kinds.setdefault(rule["type"], []).append(_typed(rule, "parameters", dict, path) or {})
    reviews = [
        Layer(
            reviews=_count(each, "required_approving_review_count", path),
            stale_reviews_dismissed=_typed(each, "dismiss_stale_reviews_on_push", bool, path),
            last_push_reviewed_by_another=_typed(each, "require_last_push_approval", bool, path),
        )
        for each in kinds.get("pull_request", [])
    ] or [Layer()]
    checks = {check for each in kinds.get("required_status_checks", []) for check in _contexts(each, "required_status_checks", path)}
    ids = [_typed(rule, "ruleset_id", int, path) for rule in answer]
    passing = [None if each is None else passers.get(each) for each in ids]
    named = frozenset(who for each in passing if each for who in each)
    return Layer(
        reviews=max((each.reviews for each in reviews if each.reviews is not None), default=None),
        stale_reviews_dismissed=_any(each.stale_reviews_dismissed for each in reviews),
        last_push_reviewed_by_another=_any(each.last_push_reviewed_by_another for each in reviews),
        force_pushes="non_fast_forward" not in kinds,
        deletion="deletion" not in kinds,
        checks=frozenset(checks),
        bypass=named if named or None not in passing else None,
    )


def _of_protection(answer: Any, repository: str, branch: str, path: Path) -> Layer:
    if isinstance(answer, dict) and answer.get("message") == _NOT_PROTECTED:
        return Layer()
    if not isinstance(answer, dict) or "enforce_admins" not in answer or "allow_force_pushes" not in answer:
        said = answer.get("message") if isinstance(answer, dict) else None
        _wrong(path, f"the forge said: {said}" if said else "it has neither rules nor the fields of a protection")
    if about := _OF_PROTECTION.search(str(answer.get("url", ""))):
        _same(path, "repository", about["repository"], repository)
        _same(path, "branch", about["branch"], branch)
    reviews, checks = _typed(answer, "required_pull_request_reviews", dict, path), _typed(answer, "required_status_checks", dict, path)
    contexts = set(_typed(checks or {}, "contexts", list, path) or []) | set(_contexts(checks or {}, "checks", path))
    admins = _switch(answer, "enforce_admins", path)
    passers = {"administrators"} if admins is False else set()
    for kind, field in (("users", "login"), ("teams", "slug"), ("apps", "slug")):
        for each in _typed(_typed(reviews or {}, "bypass_pull_request_allowances", dict, path) or {}, kind, list, path) or []:
            passers.add(f"{kind[:-1]} {_typed(each, field, str, path)}")
    return Layer(
        reviews=0 if reviews is None else _count(reviews, "required_approving_review_count", path),
        stale_reviews_dismissed=reviews is not None and _typed(reviews, "dismiss_stale_reviews", bool, path),
        last_push_reviewed_by_another=reviews is not None and _typed(reviews, "require_last_push_approval", bool, path),
        force_pushes=_switch(answer, "allow_force_pushes", path),
        deletion=_switch(answer, "allow_deletions", path),
        checks=frozenset(str(each) for each in contexts),
        bypass=frozenset(passers) if passers or admins is not None else None,
    )


def _ruleset(path: Path, repository: str) -> tuple[int, frozenset[str] | None]:
    """Its id, and who may pass by it; None where the forge does not tell."""
    answer = read_document(path, what="ruleset", next="gh api repos/OWNER/NAME/rulesets/ID > ruleset.json")
    if not isinstance(answer, dict) or "enforcement" not in answer or (number := _typed(answer, "id", int, path)) is None:
        _wrong(path, "it is no ruleset: it has no id, or does not say whether it is enforced")
    if answer.get("source_type") == "Repository":
        _same(path, "repository", str(answer.get("source")), repository)
    actors = _typed(answer, "bypass_actors", list, path)
    return number, None if actors is None else frozenset(_actor(each, path) for each in actors)


def _actor(actor: Any, path: Path) -> str:
    """Such as `Team 7 (pull_request)`: the forge says the kind, a number and when, and no name."""
    kind, number, when = _typed(actor, "actor_type", str, path), _typed(actor, "actor_id", int, path), _typed(actor, "bypass_mode", str, path)
    return " ".join([kind or "somebody", *([str(number)] if number is not None else []), f"({when or 'always'})"])


def _contexts(holder: Mapping[str, Any], field: str, path: Path) -> list[str]:
    found = [_typed(each, "context", str, path) for each in _typed(holder, field, list, path) or []]
    return [each for each in found if each]


def _switch(answer: Mapping[str, Any], field: str, path: Path) -> bool | None:
    """GitHub writes the switches of a protection as {"enabled": true}."""
    return _typed(_typed(answer, field, dict, path) or {}, "enabled", bool, path)


def _count(holder: Mapping[str, Any], field: str, path: Path) -> int | None:
    number = _typed(holder, field, int, path)
    if number is not None and number < 0:
        _wrong(path, f"{field} is {number}")
    return number


def _typed(holder: Any, field: str, kind: type, path: Path) -> Any:
    """The value of a field, None where it is not there. Raises UsageError where it is of another kind."""
    if not isinstance(holder, dict):
        _wrong(path, f"what should have {field} is no object")
    value = holder.get(field)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool) != (kind is bool)):
        _wrong(path, f"{field} is {value!r:.60}")
    return value


def _same(path: Path, what: str, said: str, wanted: str) -> None:
    if said.lower() != wanted.lower():
        raise UsageError(
            f"this answer is about another {what}", given=f"{path}: {said}", allowed=wanted, why="a document says what holds for what it names", next=_ASK
        )


def _wrong(path: Path, why: str) -> NoReturn:
    raise UsageError(
        "this is no answer about a branch",
        given=str(path),
        allowed="what GitHub answers on rules/branches/BRANCH, branches/BRANCH/protection or rulesets/ID",
        why=why,
        next=_ASK,
    )
