"""OIDC tokens, and every way to forge one that is known."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from falaj.errors import UsageError
from workloads.serve.auth import Authenticator
from workloads.serve.jwks import AGAIN_SECONDS, MOST_BYTES, REFRESH_SECONDS, STALE_SECONDS, Jwks, fetch
from workloads.serve.oidc import Oidc, OidcSettings, from_environment
from workloads.serve.requests import Refusal

NOW = 1_800_000_000.0
ISSUER = "https://id.example.ae"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)
CURVE = ec.generate_private_key(ec.SECP256R1())


class Clock:
    def __init__(self) -> None:
        self.at = 50.0

    def __call__(self) -> float:
        return self.at


def row(key: Any, kid: str | None, **more: Any) -> dict[str, Any]:
    algorithm = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
    found = algorithm.to_jwk(key.public_key(), as_dict=True)
    return {**found, **({"kid": kid} if kid else {}), "use": "sig", **more}


class Provider:
    """An identity provider in memory."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows, self.calls, self.down = list(rows), 0, False

    def __call__(self, url: str) -> bytes:
        self.calls += 1
        if self.down:
            raise ValueError("down")
        return json.dumps({"keys": self.rows}).encode()


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "one", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {"iss": ISSUER, "aud": "falaj", "sub": "user 1", "exp": NOW + 300, "iat": NOW, "scope": "openid falaj:generate", **changes}
    claims = {name: value for name, value in claims.items() if value is not ...}
    return jwt.encode(claims, key, algorithm, headers={**({"kid": kid} if kid else {}), **(headers or {})})


def door(provider: Callable[[str], bytes] | None = None, clock: Clock | None = None, **settings: Any) -> Oidc:
    wanted = OidcSettings(ISSUER, "falaj", f"{ISSUER}/keys", **settings)
    return Oidc(wanted, Jwks(ISSUER, f"{ISSUER}/keys", fetch=provider or Provider(row(RSA, "one"), row(CURVE, "curve")), clock=clock or Clock()))


def refusal_of(oidc: Oidc, text: str, now: float = NOW) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        Authenticator(oidc=oidc).check({"authorization": f"Bearer {text}"}, now)
    return refusal.value


def test_a_token_becomes_a_client_with_the_scopes_its_claim_is_mapped_to() -> None:
    client = door().check(token(), NOW)
    assert (client.name, client.scopes) == ("oidc:user 1", {"generate"})
    assert door().check(token(CURVE, "ES256", "curve"), NOW).name == "oidc:user 1"
    mapped = door(claim="roles", scopes={"ml": ("generate", "jobs")})
    assert mapped.check(token(roles=["ml", 5, "other"]), NOW).scopes == {"generate", "jobs"}
    assert mapped.check(token(roles={"ml": True}), NOW).scopes == set()
    assert door().check(token(scope=...), NOW).scopes == set()


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (json.dumps(header).encode(), json.dumps(claims).encode(), signature))


CLAIMS = {"iss": ISSUER, "aud": "falaj", "sub": "mallory", "exp": NOW + 300, "scope": "falaj:generate"}


def hmac_with_the_public_key(algorithm: str = "HS256") -> str:
    public = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    text = unsigned({"alg": algorithm, "typ": "JWT", "kid": "one"}, CLAIMS).rsplit(".", 1)[0]
    return text + "." + base64.urlsafe_b64encode(hmac.new(public, text.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "forged",
    [
        unsigned({"alg": "none", "kid": "one"}, CLAIMS),
        unsigned({"alg": "None", "kid": "one"}, CLAIMS),
        unsigned({"alg": "nOnE"}, CLAIMS),
        unsigned({"kid": "one"}, CLAIMS),
        unsigned({"alg": ["RS256"], "kid": "one"}, CLAIMS),
        unsigned({"alg": "RS256", "kid": "one"}, CLAIMS),
        unsigned({"alg": "RS256", "kid": ["one"]}, CLAIMS),
        unsigned({"alg": "RS256", "kid": "one"}, CLAIMS, b"\0" * 256),
        unsigned({"alg": "ES256", "kid": "curve"}, CLAIMS, b"\0" * 64),
        hmac_with_the_public_key(),
        hmac_with_the_public_key("RS256"),
        token(OTHER),
        token(OTHER, headers={"jwk": row(OTHER, "one")}),
        token(OTHER, headers={"jku": "https://evil.example/keys"}),
        token(OTHER, kid=None),
        token(OTHER, kid="unknown"),
        token(RSA, "RS512"),
        token(RSA, "PS256"),
        token(RSA, kid="curve"),
        token(CURVE, "ES256", "one"),
        token(headers={"crit": ["b64"], "b64": True}),
        token(aud="other"),
        token(aud=["other", "another"]),
        token(aud=...),
        token(iss="https://id.example.ae/"),
        token(iss=...),
        token(sub=...),
        token(sub=""),
        token(sub="x" * 256),
        token(sub="a\nb"),
        token(exp=...),
        token(exp=NOW - 61),
        token(exp=True),
        token(exp="soon"),
        token(exp=1e300),
        token(nbf=NOW + 61),
        token(iat=NOW + 61),
        token().replace(".", "..", 1)[:-1],
        "a.b.c",
        "..",
        unsigned({"alg": "RS256"}, CLAIMS)[:-3] + ".\u00e9",
        token(filler="x" * 9000),
        base64.urlsafe_b64encode(b"[" * 5000).decode() + ".e30.AA",
        token().split(".")[0] + "." + base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=").decode() + ".AA",
    ],
)
def test_a_forged_or_foreign_token_is_refused(forged: str) -> None:
    assert refusal_of(door(), forged).status == 401
    with pytest.raises(Refusal) as refusal:
        asyncio.run(Authenticator(oidc=door()).admit({"authorization": f"Bearer {forged}"}, NOW))
    assert refusal.value.status == 401


def test_one_flipped_bit_anywhere_in_a_token_is_refused() -> None:
    oidc, good = door(), token(CURVE, "ES256", "curve")
    for index in range(0, len(good), 7):
        if good[index] != ".":
            other = good[:index] + ("A" if good[index] != "A" else "B") + good[index + 1 :]
            assert refusal_of(oidc, other).status == 401, index


def test_clocks_may_differ_by_the_skew_and_no_more() -> None:
    oidc = door(skew_seconds=30.0)
    assert oidc.check(token(exp=NOW - 29), NOW) and oidc.check(token(nbf=NOW + 29, iat=NOW + 29), NOW)
    assert refusal_of(oidc, token(exp=NOW - 30)).message == "the token has expired"
    assert refusal_of(oidc, token(nbf=NOW + 31)).message == "the token is not in force yet"


def test_a_rotated_key_is_fetched_once_and_a_withdrawn_one_is_forgotten() -> None:
    provider, clock = Provider(row(RSA, "one")), Clock()
    oidc = door(provider, clock)
    assert oidc.check(token(), NOW) and oidc.check(token(), NOW) and provider.calls == 1
    provider.rows = [row(OTHER, "two")]
    clock.at += AGAIN_SECONDS
    assert oidc.check(token(OTHER, kid="two"), NOW) and provider.calls == 2
    assert refusal_of(oidc, token()).status == 401
    for number in range(100):  # made-up key ids are no way to make us ask
        assert refusal_of(oidc, token(OTHER, kid=f"made up {number}")).status == 401
    assert provider.calls == 2


def test_a_provider_that_is_down_lets_nobody_in_and_keys_that_were_read_live_for_an_hour() -> None:
    provider, clock = Provider(row(RSA, "one")), Clock()
    provider.down = True
    oidc = door(provider, clock)
    refusal = refusal_of(oidc, token())
    assert (refusal.status, refusal.code, refusal.retry_after, provider.calls) == (503, "identity_provider_down", AGAIN_SECONDS, 1)
    assert refusal_of(oidc, token()).status == 503 and provider.calls == 1
    provider.down = False
    clock.at += AGAIN_SECONDS
    assert oidc.check(token(), NOW) and oidc.problem is None
    provider.down = True
    clock.at += STALE_SECONDS - 1
    assert oidc.check(token(), NOW) and oidc.problem == "ValueError: down"
    clock.at += 2
    assert refusal_of(oidc, token()).status == 503
    provider.down = False
    clock.at += AGAIN_SECONDS
    assert oidc.check(token(), NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [5, null, {"kty": "oct", "k": "AAAA", "kid": "one"}]}',
        json.dumps({"keys": [row(WEAK, "one")]}).encode(),
        json.dumps({"keys": [{**row(RSA, "one"), "use": "enc"}]}).encode(),
        json.dumps({"keys": [{**row(RSA, "one"), "key_ops": 5}]}).encode(),
        json.dumps({"keys": [{**row(RSA, "one"), "n": "!"}]}).encode(),
        json.dumps({"keys": [row(RSA, "one"), row(OTHER, "one")]}).encode(),
        json.dumps({"keys": [row(CURVE, str(n)) for n in range(65)]}).encode(),
        b"[" * 100_000,
    ],
)
def test_a_key_set_that_is_not_sound_lets_nobody_in(body: bytes) -> None:
    oidc = door(lambda url: body)
    assert refusal_of(oidc, token()).status == 503 and oidc.problem


def test_a_key_that_is_for_another_algorithm_or_nobody_named_is_not_used() -> None:
    assert refusal_of(door(Provider({**row(RSA, "one"), "alg": "RS384"})), token()).status == 401
    assert door(Provider(row(RSA, None))).check(token(kid=None), NOW)
    assert refusal_of(door(Provider(row(RSA, "one"), row(OTHER, "two"))), token(kid=None)).status == 401


def test_the_discovery_document_must_be_the_issuers_own_and_lead_to_https() -> None:
    pages = {"jwks_uri": f"{ISSUER}/k", "issuer": ISSUER}

    def provider(url: str) -> bytes:
        return json.dumps(pages if url.endswith("openid-configuration") else {"keys": [row(RSA, "one")]}).encode()

    def fresh() -> Oidc:
        return Oidc(OidcSettings(ISSUER, "falaj"), Jwks(ISSUER, fetch=provider))

    assert fresh().check(token(), NOW)
    for change in ({"issuer": "https://evil.example"}, {"jwks_uri": "http://169.254.169.254/k"}, {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": None}):
        kept = dict(pages)
        pages.update(change)
        assert refusal_of(fresh(), token()).status == 503
        pages.update(kept)


@contextmanager
def web(status: int, body: bytes, headers: dict[str, str] | None = None) -> Generator[str]:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_fetching_has_bounds() -> None:
    with web(200, b"{}") as url:
        assert fetch(url) == b"{}"
    for status, body, headers in ((200, b" " * (MOST_BYTES + 1), {}), (302, b"", {"Location": "http://127.0.0.1:1/"}), (500, b"{}", {})):
        with web(status, body, headers) as url, pytest.raises(ValueError, match="answers|more than"):
            fetch(url)


def test_from_an_event_loop_fetching_is_done_in_a_thread() -> None:
    threads: list[str] = []
    provider = Provider(row(RSA, "one"))

    def noting(url: str) -> bytes:
        threads.append(threading.current_thread().name)
        return provider(url)

    authenticator = Authenticator(oidc=door(noting))

    async def ask() -> list[Any]:
        headers = {"authorization": f"Bearer {token()}"}
        return await asyncio.gather(*(authenticator.admit(headers, NOW) for _ in range(20)))

    assert {client.name for client in asyncio.run(ask())} == {"oidc:user 1"}
    assert len(threads) == 1 and threads[0] != threading.main_thread().name


def test_a_slow_provider_keeps_nobody_waiting_who_has_a_key_to_go_on_with() -> None:
    provider, clock, entered, release = Provider(row(RSA, "one")), Clock(), threading.Event(), threading.Event()
    slow = [False]

    def fetching(url: str) -> bytes:
        if slow[0]:
            entered.set()
            release.wait(10)
        return provider(url)

    oidc = door(fetching, clock)
    assert oidc.check(token(), NOW)
    clock.at += REFRESH_SECONDS
    slow[0] = True
    first = threading.Thread(target=lambda: oidc.check(token(), NOW))
    first.start()
    assert entered.wait(10) and oidc.check(token(), NOW)
    release.set()
    first.join()


def test_settings_that_would_weaken_the_check_are_refused() -> None:
    for wrong in (
        {"algorithms": ("HS256",)},
        {"algorithms": ("none",)},
        {"algorithms": ()},
        {"skew_seconds": 301.0},
        {"skew_seconds": -1.0},
        {"scopes": {}},
        {"scopes": {"x": ("root",)}},
    ):
        with pytest.raises(UsageError):
            door(None, None, **wrong)
    given = {"FALAJ_OIDC_ISSUER": ISSUER, "FALAJ_OIDC_AUDIENCE": "falaj"}
    assert from_environment({**given, "FALAJ_OIDC_SCOPES": '{"ml": ["generate"]}', "FALAJ_OIDC_ALGORITHMS": "ES256, RS256"})
    for change in (
        {"FALAJ_OIDC_ISSUER": "http://id.example.ae"},
        {"FALAJ_OIDC_ISSUER": "https://user:pass@id.example.ae"},
        {"FALAJ_OIDC_ISSUER": "nonsense"},
        {"FALAJ_OIDC_AUDIENCE": ""},
        {"FALAJ_OIDC_SCOPES": "["},
        {"FALAJ_OIDC_SCOPES": "[]"},
        {"FALAJ_OIDC_SKEW_SECONDS": "x"},
        {"FALAJ_OIDC_SKEW_SECONDS": "nan"},
        {"FALAJ_OIDC_JWKS": "http://10.0.0.1/keys"},
        {"FALAJ_OIDC_ALGORITHMS": "HS256"},
        {"FALAJ_OIDC_REQUESTS_PER_MINUTE": "0"},
        {"FALAJ_OIDC_TOKENS_PER_MINUTE": "many"},
    ):
        with pytest.raises(UsageError):
            from_environment({**given, **change})
