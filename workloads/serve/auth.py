"""Who asks: an API key or an OIDC token becomes a client with a name, scopes and limits; everything else is refused.

`Authorization: Bearer ...` carries either kind, `X-API-Key` a key alone. Refusals never repeat what was given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from falaj.errors import UsageError
from workloads.serve.requests import Refusal

if TYPE_CHECKING:
    from workloads.serve.keys import Keys
    from workloads.serve.oidc import Oidc

SCOPES = ("generate", "jobs", "metrics")
"""What a client may be allowed: ask for answers, queue jobs, read the metrics page."""
MOST_CREDENTIAL = 8192
"""Characters of a credential; what is longer is refused unread."""
_REALM = {"WWW-Authenticate": 'Bearer realm="falaj"'}


@dataclass(frozen=True)
class Limits:
    """What a client may take; None means no bound of its own."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    """Tokens that may be generated; a request counts with the most that it asks for."""
    tokens_per_request: int | None = None


@dataclass(frozen=True)
class Client:
    """Whoever was let in. `name` is unique over both kinds: `key:ID`, `oidc:SUBJECT`, or `anyone`."""

    name: str
    scopes: frozenset[str]
    limits: Limits = field(default_factory=Limits)

    def require(self, scope: str) -> None:
        """Raises Refusal 403 unless this client has `scope`."""
        if scope not in self.scopes:
            raise Refusal(
                403,
                "scope_missing",
                f"this client may not do that: it lacks the scope {scope}",
                given=" ".join(sorted(self.scopes)) or "no scope",
                next="ask whoever runs this server for a key or a role with that scope",
                headers={"WWW-Authenticate": f'Bearer realm="falaj", error="insufficient_scope", scope="{scope}"'},
            )


ANYONE = Client("anyone", frozenset(SCOPES))
"""Everybody, where the server was told to ask nobody."""


class Authenticator:
    """Checks the credential of each request. Both doors None means that everyone is let in: only `FALAJ_AUTH=none` makes that."""

    def __init__(self, *, keys: Keys | None = None, oidc: Oidc | None = None) -> None:
        self._keys, self._oidc = keys, oidc

    @property
    def is_open(self) -> bool:
        """Nobody is asked for anything."""
        return self._keys is None and self._oidc is None

    @property
    def problem(self) -> str | None:
        """What is wrong with the keys file or the identity provider, for readiness and logs."""
        found = [door.problem for door in (self._keys, self._oidc) if door is not None and door.problem]
        return "; ".join(found) or None

    def check(self, headers: Mapping[str, str], now: float) -> Client:
        """The client of a request. `headers` has lower-case names; `now` is in seconds since 1970.

        Raises Refusal 401 for what is not accepted and 503 when the identity provider's keys cannot be had. May wait for
        the identity provider: in an event loop use `admit`.
        """
        if self.is_open:
            return ANYONE
        credential = _credential(headers)
        # A JWT has two dots and a key of ours none, so neither door ever sees the other's credentials.
        if credential.count(".") == 2 and self._oidc is not None:
            return self._oidc.check(credential, now)
        if self._keys is not None and "." not in credential:
            return self._keys.check(credential, now)
        raise refused("this kind of credential is not accepted here", self._allowed())

    async def admit(self, headers: Mapping[str, str], now: float) -> Client:
        """As `check`, but what may wait for the identity provider does so in a thread."""
        if self._oidc is None or self._oidc.fresh(_credential(headers)):
            return self.check(headers, now)
        return await asyncio.to_thread(self.check, headers, now)

    def _allowed(self) -> str:
        return " or ".join(text for door, text in ((self._keys, "an API key"), (self._oidc, "a token of the identity provider")) if door is not None)


def _credential(headers: Mapping[str, str]) -> str:
    given = headers.get("authorization")
    key = headers.get("x-api-key")
    if given is not None and key is not None:
        raise refused("two credentials were given", "Authorization or X-API-Key, not both")
    if given is not None:
        scheme, _, credential = given.partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer":
            raise refused("the Authorization header is of another scheme", "Authorization: Bearer ...")
    else:
        credential = (key or "").strip()
    if not credential:
        raise refused("this server asks for a credential", "Authorization: Bearer KEY-OR-TOKEN, or X-API-Key: KEY")
    if len(credential) > MOST_CREDENTIAL or not credential.isascii() or not credential.isprintable():
        raise refused("the credential is too long or not plain text", f"up to {MOST_CREDENTIAL} printable ASCII characters")
    return credential


def refused(message: str, allowed: str) -> Refusal:
    """The 401 that every door answers with. It says nothing that helps to guess a credential."""
    return Refusal(401, "not_authenticated", message, allowed, headers=dict(_REALM))


def from_environment(environ: Mapping[str, str], host: str) -> Authenticator:
    """The doors that FALAJ_AUTH names: `none`, `keys`, `oidc` or `keys,oidc`; where it is not set, those that are configured.

    Raises UsageError when nothing was chosen, or what was chosen lacks its settings: an open server is a choice, never a default.
    """
    from workloads.serve import keys, oidc

    configured = [name for name, variable in (("keys", "FALAJ_KEYS"), ("oidc", "FALAJ_OIDC_ISSUER")) if environ.get(variable)]
    wanted = [name.strip() for name in environ.get("FALAJ_AUTH", "").split(",") if name.strip()] or configured
    allowed = "none, keys, oidc, or keys,oidc"
    if not wanted:
        raise UsageError(
            "nobody has said who may use this server",
            given="none of FALAJ_AUTH, FALAJ_KEYS and FALAJ_OIDC_ISSUER is set",
            allowed=f"FALAJ_AUTH={allowed}",
            why="whoever reaches the port could ask the model",
            next="falaj keys new --owner NAME makes a key; FALAJ_AUTH=none where only trusted programs reach the port",
        )
    if unknown := sorted(set(wanted) - {"none", "keys", "oidc"}):
        raise UsageError("FALAJ_AUTH names a door that there is not", given=", ".join(unknown), allowed=allowed)
    if wanted == ["none"]:
        if configured:
            raise UsageError(
                "FALAJ_AUTH=none would leave keys or tokens unchecked",
                given=f"{', '.join(configured)} configured as well",
                allowed=f"FALAJ_AUTH={','.join(configured)}, or take the other settings away",
            )
        return Authenticator()
    if "none" in wanted:
        raise UsageError("FALAJ_AUTH says none and something else", given=environ["FALAJ_AUTH"], allowed=allowed)
    return Authenticator(
        keys=keys.from_environment(environ) if "keys" in wanted else None,
        oidc=oidc.from_environment(environ) if "oidc" in wanted else None,
    )
