"""May this request pass? A simulator of IAM within one account, for tests.

After the evaluation logic of the IAM user guide: a deny anywhere ends it; a role may do what its own policies and its boundary both allow. A
resource's policy can allow as well: a role named there stands under its boundary all the same, a session or everybody (`*`) does not. A key
is the exception, and so is a role that is to be taken: without its own policy nothing passes, and naming the account there (for a key) hands
the question on to IAM. Service control policies, session policies and NotPrincipal are left out: the last raises, the first two could only deny.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.iam.conditions import Context, filled, holds, listed, matches

Document = Mapping[str, Any]
Answer = Literal["allowed", "denied", "not allowed"]
"""`denied` is said by a statement; `not allowed` by nobody having said otherwise."""


@dataclass(frozen=True)
class Principal:
    """Who asks: a role's session, or a service (`delivery.logs.amazonaws.com`) in its own name."""

    name: str
    """ARN of the role, or the service's name."""
    policies: Sequence[Document] = ()
    boundary: Document | None = None

    @property
    def is_service(self) -> bool:
        return not self.name.startswith("arn:")

    @property
    def account(self) -> str:
        return self.name.split(":")[4]


@dataclass(frozen=True)
class Request:
    """One call of one API, for one resource; `context` holds every condition key that AWS would fill in."""

    principal: Principal
    action: str
    resource: str
    context: Context = field(default_factory=dict)


def answer(request: Request, resource_policy: Document | None = None) -> Answer:
    """What AWS would say, the resource's own policy being `resource_policy`."""
    who = request.principal
    everything = [*who.policies, *([who.boundary] if who.boundary else [])]
    theirs = [each for each in statements(resource_policy) if _named(each, who) and _applies(each, request)]
    own = [each for document in everything for each in statements(document) if _applies(each, request)]
    if any(each["Effect"] == "Deny" for each in [*own, *theirs]):
        return "denied"
    by_resource = {each for found in theirs for each in _named(found, who)}
    if who.is_service:
        return "allowed" if by_resource else "not allowed"
    by_own = any(_allows(document, request) for document in who.policies)
    bounded = who.boundary is None or _allows(who.boundary, request)
    if "everybody" in by_resource:
        return "allowed"
    if "role" in by_resource:
        return "allowed" if bounded else "not allowed"
    if _needs_its_own_word(request) and "account" not in by_resource:
        return "not allowed"
    return "allowed" if by_own and bounded else "not allowed"


def statements(document: Document | None) -> list[dict[str, Any]]:
    """The statements of a policy."""
    return listed(document["Statement"]) if document else []


def _allows(document: Document, request: Request) -> bool:
    return any(each["Effect"] == "Allow" and _applies(each, request) for each in statements(document))


def _needs_its_own_word(request: Request) -> bool:
    """Of a key, or of a role that is to be taken."""
    service, _, verb = request.action.lower().partition(":")
    return service == "kms" or (service == "sts" and verb.startswith(("assumerole", "tagsession")))


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    if "NotPrincipal" in statement:
        raise ValueError("NotPrincipal is not simulated")
    return (
        _of(statement, "Action", [request.action], request.context, folded=True)
        and ("Resource" not in statement and "NotResource" not in statement or _of(statement, "Resource", [request.resource], request.context))
        and holds(statement.get("Condition", {}), request.context)
    )


def _of(statement: Mapping[str, Any], kind: str, given: list[str], context: Context, *, folded: bool = False) -> bool:
    negated = f"Not{kind}" in statement
    patterns = [text for each in listed(statement[f"Not{kind}" if negated else kind]) if (text := filled(each, context)) is not None]
    return any(matches(pattern, each, folded=folded) for pattern in patterns for each in given) != negated


def _named(statement: Mapping[str, Any], who: Principal) -> set[str]:
    """As what a resource's statement names `who`: everybody, account, role or service; nothing where it does not."""
    named = statement.get("Principal")
    if named == "*":
        return {"everybody"}
    if who.is_service:
        return {"service"} if named and who.name in listed(named.get("Service", [])) else set()
    found = set()
    for each in listed(named.get("AWS", [])) if named else []:
        if each == "*":
            found.add("everybody")
        elif each == who.name:
            found.add("role")
        elif each == who.account or each.endswith(f"::{who.account}:root"):
            found.add("account")
    return found
