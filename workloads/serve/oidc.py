"""OIDC access tokens: a JWT signed by the configured issuer, for this audience, in force now. Whatever is in doubt is refused.

Only asymmetric algorithms are ever tried, from a list that the settings may shorten, and only with a key whose kind fits
the algorithm: neither `none` nor an HMAC made with the public key gets anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt

from falaj.errors import UsageError
from workloads.serve.auth import SCOPES, Client, Limits, refused
from workloads.serve.jwks import Jwks, check_url

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
MOST_SKEW = 300.0
_SUBJECT = 255
_IN_FORCE = "a token of the configured issuer for this audience, in force now"


@dataclass(frozen=True)
class OidcSettings:
    """What a token must be."""

    issuer: str
    audience: str
    jwks: str | None = None
    """URL of the key set; found by the issuer's discovery document where left out."""
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    claim: str = "scope"
    """Claim that says what its bearer may do: a string of words or a list, such as scope, scp, roles or groups."""
    scopes: Mapping[str, Sequence[str]] = field(default_factory=lambda: {f"falaj:{scope}": (scope,) for scope in SCOPES})
    """Word of that claim -> scopes of this server. Other words give nothing."""
    skew_seconds: float = 60.0
    """How far the issuer's clock may be off."""
    limits: Limits = field(default_factory=Limits)
    """Of every client that comes with a token."""


class Oidc:
    """Checks tokens of one issuer; several threads may."""

    def __init__(self, settings: OidcSettings, jwks: Jwks | None = None) -> None:
        """Raises UsageError for settings that would weaken the check."""
        _checked(settings)
        self._settings = settings
        self._jwks = jwks or Jwks(settings.issuer, settings.jwks)

    @property
    def problem(self) -> str | None:
        return self._jwks.problem

    def fresh(self, token: str) -> bool:
        """Whether `check` would answer without asking the identity provider."""
        try:
            return self._jwks.has(_header(token).get("kid"))
        except (jwt.PyJWTError, ValueError, RecursionError):
            return True

    def check(self, token: str, now: float) -> Client:
        """The client of a token at `now` (seconds since 1970). Raises Refusal 401, or 503 when the issuer's keys cannot be had."""
        wanted = self._settings
        try:
            header = _header(token)
            algorithm = header.get("alg")
            if algorithm not in wanted.algorithms:
                raise jwt.InvalidAlgorithmError("not an allowed algorithm")
            key = self._jwks.key(header.get("kid"), _KINDS[algorithm[:2]], algorithm)
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=wanted.audience,
                issuer=wanted.issuer,
                # Times are compared below, with the clock that was handed in and a bound on how old a token may be.
                options={"require": ["exp", "iss", "aud", "sub"], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as problem:
            raise refused("the token is not accepted", _IN_FORCE) from problem
        self._check_times(claims, now)
        subject = claims["sub"]
        if not 1 <= len(subject) <= _SUBJECT or not subject.isprintable():
            raise refused("the token is not accepted", _IN_FORCE)
        return Client(f"oidc:{subject}", self._scopes(claims.get(wanted.claim)), wanted.limits)

    def _check_times(self, claims: Mapping[str, Any], now: float) -> None:
        skew = self._settings.skew_seconds
        for name in ("exp", "nbf", "iat"):
            value = claims.get(name)
            if name in claims and (isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e12):
                raise refused("the token is not accepted", _IN_FORCE)
        if now >= claims["exp"] + skew:
            raise refused("the token has expired", _IN_FORCE)
        if any(now < claims[name] - skew for name in ("nbf", "iat") if name in claims):
            raise refused("the token is not in force yet", _IN_FORCE)

    def _scopes(self, claim: Any) -> frozenset[str]:
        words = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
        return frozenset(scope for word in words if isinstance(word, str) for scope in self._settings.scopes.get(word, ()))


def _header(token: str) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    if "crit" in header or not isinstance(header.get("kid"), (str, type(None))):
        # Extensions that must be understood are not; keys that a header brings along or points to are never looked at.
        raise jwt.InvalidTokenError("a header that is not understood")
    return header


def _checked(settings: OidcSettings) -> None:
    check_url(settings.issuer, "the issuer")
    if settings.jwks is not None:
        check_url(settings.jwks, "the key set")
    if not settings.audience.strip():
        raise UsageError("a token must be meant for somebody", given="no audience", allowed="the audience that the issuer puts into tokens for this server")
    if wrong := sorted(set(settings.algorithms) - set(ALGORITHMS)):
        raise UsageError(
            "that algorithm is not allowed",
            given=", ".join(wrong),
            allowed=", ".join(ALGORITHMS),
            why="only who holds the issuer's private key may make a token",
        )
    if not settings.algorithms:
        raise UsageError("there is no allowed algorithm", allowed=", ".join(ALGORITHMS))
    if not 0 <= settings.skew_seconds <= MOST_SKEW:
        raise UsageError("the clocks may not differ that much", given=f"{settings.skew_seconds} s", allowed=f"0 to {MOST_SKEW:.0f} s")
    named = {scope for scopes in settings.scopes.values() for scope in scopes}
    if not named or named - set(SCOPES):
        raise UsageError("the scope map gives nothing, or a scope that there is not", given=", ".join(sorted(named)), allowed=", ".join(SCOPES))


def from_environment(environ: Mapping[str, str]) -> Oidc:
    """The door that FALAJ_OIDC_ISSUER, _AUDIENCE, _JWKS, _ALGORITHMS, _CLAIM, _SCOPES, _SKEW_SECONDS and
    _REQUESTS_PER_MINUTE, _TOKENS_PER_MINUTE, _TOKENS_PER_REQUEST describe. Raises UsageError.

    FALAJ_OIDC_SCOPES is JSON: `{"word of the claim": ["generate", "jobs"]}`.
    """
    issuer, audience = environ.get("FALAJ_OIDC_ISSUER", ""), environ.get("FALAJ_OIDC_AUDIENCE", "")
    if not issuer or not audience:
        raise UsageError("tokens need an issuer and an audience", given="FALAJ_OIDC_ISSUER or FALAJ_OIDC_AUDIENCE is not set", next="set both")
    plain = OidcSettings(issuer, audience)
    algorithms = tuple(name.strip() for name in environ.get("FALAJ_OIDC_ALGORITHMS", "").split(",") if name.strip())
    try:
        skew = float(environ.get("FALAJ_OIDC_SKEW_SECONDS") or plain.skew_seconds)
    except ValueError as problem:
        raise UsageError("FALAJ_OIDC_SKEW_SECONDS is not a number", given=environ["FALAJ_OIDC_SKEW_SECONDS"], allowed=f"0 to {MOST_SKEW:.0f}") from problem
    return Oidc(
        OidcSettings(
            issuer,
            audience,
            environ.get("FALAJ_OIDC_JWKS") or None,
            algorithms or plain.algorithms,
            environ.get("FALAJ_OIDC_CLAIM") or plain.claim,
            _scope_map(environ["FALAJ_OIDC_SCOPES"]) if environ.get("FALAJ_OIDC_SCOPES") else plain.scopes,
            skew,
            Limits(*(_limit(environ, name) for name in ("REQUESTS_PER_MINUTE", "TOKENS_PER_MINUTE", "TOKENS_PER_REQUEST"))),
        )
    )


def _limit(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(f"FALAJ_OIDC_{name}") or ""
    if text and (not text.isdecimal() or int(text) < 1):
        raise UsageError(f"FALAJ_OIDC_{name} is no limit", given=text, allowed="a whole number from 1, or nothing")
    return int(text) if text else None


def _scope_map(text: str) -> dict[str, tuple[str, ...]]:
    try:
        given = json.loads(text)
        return {str(word): tuple(str(scope) for scope in scopes) for word, scopes in given.items() if isinstance(scopes, list)}
    except (ValueError, AttributeError) as problem:
        raise UsageError("FALAJ_OIDC_SCOPES is not a map", given=text[:200], allowed='JSON such as {"ml-users": ["generate", "jobs"]}') from problem
