"""Which images may run: those that somebody of ours signed, for where it counts, and those of others until their day."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from falaj import elliptic
from falaj.errors import UsageError
from falaj.home import ROOT
from infra.pipeline.image_signatures import NOBODY, Claim, keep, kept, known_images, look, payload, sign
from infra.pipeline.library import Library

NOW = "2026-01-01T00:00:00Z"
SERVE = Claim("falaj-serve", "sha256:" + "5" * 64)
QUEUE = "sha256:" + "9" * 64
REVIEW = {"image": f"registry.k8s.io/kueue/kueue:v0.19.0@{QUEUE}", "owner": "ml-platform", "reason": "queues of jobs", "expires": "2026-03-31"}
PRIVATE = ec.generate_private_key(ec.SECP256R1())
STRANGER = ec.generate_private_key(ec.SECP256R1())


def pem(private: ec.EllipticCurvePrivateKey) -> str:
    return private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """Rules beside which one image is signed by the build, for prod and staging."""
    shutil.copytree(ROOT / "policies" / "schemas", tmp_path / "schemas")
    listed(tmp_path, "signers", {"build": {"key": pem(PRIVATE), "environments": ["staging", "prod"]}})
    keep(tmp_path, sign(SERVE, PRIVATE))
    return tmp_path


def listed(policies: Path, name: str, value: Any) -> None:
    (policies / "images").mkdir(exist_ok=True)
    (policies / "images" / f"{name}.json").write_text(json.dumps(value))


def known(policies: Path, environment: str = "prod", now: str = NOW) -> dict[str, str]:
    return known_images(policies, environment, now, review_days=183)


def stored(policies: Path) -> Path:
    return policies / "images" / "signatures" / f"{'5' * 64}.json"


def test_a_signed_image_may_run_where_its_signer_signs(policies: Path) -> None:
    assert known(policies) == {SERVE.digest: ""}
    assert known(policies, "dev") == {SERVE.digest: "build signs for staging, prod, not for dev"}


def test_the_document_that_is_signed_is_cosigns_and_openssl_verifies_it(tmp_path: Path) -> None:
    said = json.loads(payload(SERVE))
    assert said == {
        "critical": {
            "identity": {"docker-reference": "falaj-serve"},
            "image": {"docker-manifest-digest": SERVE.digest},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    made = sign(SERVE, PRIVATE)
    for name, data in (("payload", base64.b64decode(made["payload"])), ("signature", base64.b64decode(made["signature"])), ("key", pem(PRIVATE).encode())):
        (tmp_path / name).write_bytes(data)
    verified = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "payload"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (verified.returncode, verified.stdout) == (0, "Verified OK\n")


def test_a_signature_made_by_openssl_over_cosigns_document_counts(policies: Path, tmp_path: Path) -> None:
    """As cosign writes it: spaces and order of its own, and what it was annotated with."""
    text = json.dumps({"optional": {"bill-of-materials": "sha256:1", "build": "7"}, "critical": json.loads(payload(SERVE))["critical"]})
    (tmp_path / "payload").write_text(text)
    pkcs8 = PRIVATE.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "private").write_bytes(pkcs8)
    made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", "private", "payload"], cwd=tmp_path, capture_output=True, check=True)
    keep(policies, kept(text.encode(), made.stdout))
    assert [(one.by, one.bill) for one in look(policies, "prod", NOW, review_days=183)] == [("signed by build", "sha256:1")]


def test_a_strangers_signature_does_not_count(policies: Path) -> None:
    keep(policies, sign(SERVE, STRANGER))
    assert known(policies) == {SERVE.digest: NOBODY}


def test_a_signer_who_is_taken_out_of_the_list_takes_the_images_along(policies: Path) -> None:
    listed(policies, "signers", {})
    assert known(policies) == {SERVE.digest: NOBODY}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda said: {**said, "signature": base64.b64encode(b"no signature").decode()}, NOBODY),
        (lambda said: {**said, "payload": base64.b64encode(payload(SERVE) + b" ").decode()}, NOBODY),
        (lambda said: sign(Claim("falaj-serve", "sha256:" + "6" * 64), PRIVATE), f"its signature is of another image, sha256:{'6' * 64}"),
        (lambda said: {**said, "payload": base64.b64encode(b'{"critical": 1}').decode()}, "what was signed names no image"),
        (lambda said: {**said, "payload": base64.b64encode(b"[" * 100_000).decode()}, "what was signed names no image"),
        (lambda said: {**said, "by": "me"}, "by is unknown (known: payload, schema, signature)"),
        (lambda said: {"schema": said["schema"]}, "the document lacks payload; the document lacks signature"),
        (lambda said: [], "the document is not of type object"),
    ],
)
def test_what_is_no_signature_of_that_image_does_not_count(policies: Path, change: Any, why: str) -> None:
    stored(policies).write_text(json.dumps(change(json.loads(stored(policies).read_text()))))
    assert known(policies) == {SERVE.digest: why}


def test_a_claim_that_says_something_twice_names_no_image(policies: Path) -> None:
    twice = payload(SERVE)[:-1] + b',"critical":{}}'
    stored(policies).write_text(json.dumps(kept(twice, elliptic.signed(PRIVATE, twice))))
    assert known(policies) == {SERVE.digest: "what was signed names no image"}


def test_a_file_that_is_cut_off_or_misnamed_is_said_and_lets_nothing_run(policies: Path) -> None:
    stored(policies).with_name("serve.json").write_bytes(stored(policies).read_bytes())
    stored(policies).write_text("{")
    found = {one.digest: one.why.partition(":")[0] for one in look(policies, "prod", NOW, review_days=183)}
    assert found == {SERVE.digest: "its signature cannot be read", "serve.json": "its file is not called after a digest"}
    assert list(known(policies)) == [SERVE.digest]


@pytest.mark.parametrize(
    ("change", "now", "why"),
    [
        ({}, NOW, ""),
        ({}, "2026-03-31T23:59:59Z", ""),
        ({}, "2026-04-01T00:00:00Z", "ml-platform answered for it until 2026-03-31"),
        ({"expires": "2027-01-31"}, NOW, "ml-platform answers for it until 2027-01-31, more than 183 days ahead"),
        ({"expires": "2026-02-30"}, NOW, "2026-02-30, to which ml-platform answers for it, is no day"),
    ],
)
def test_an_image_of_others_runs_until_the_day_to_which_somebody_answers_for_it(policies: Path, change: dict[str, str], now: str, why: str) -> None:
    listed(policies, "reviewed", [{**REVIEW, **change}])
    assert known(policies, now=now) == {SERVE.digest: "", QUEUE: why}


def test_a_review_stands_in_for_a_signature_that_does_not_count_and_never_takes_one_away(policies: Path) -> None:
    of_serve = {**REVIEW, "image": f"falaj-serve@{SERVE.digest}"}
    listed(policies, "reviewed", [{**of_serve, "expires": "2025-01-01"}])
    assert known(policies) == {SERVE.digest: ""}
    keep(policies, sign(SERVE, STRANGER))
    assert known(policies) == {SERVE.digest: NOBODY}
    listed(policies, "reviewed", [of_serve])
    assert known(policies) == {SERVE.digest: ""}


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("reviewed", [{**REVIEW, "image": "registry.k8s.io/kueue/kueue:v0.19.0"}], r"which does not match"),
        ("reviewed", [{**REVIEW, "owner": " "}], r"\[0\].owner is ' '"),
        ("reviewed", [{key: REVIEW[key] for key in ("image", "owner", "reason")}], r"\[0\] lacks expires"),
        ("signers", {"build": {"key": pem(PRIVATE)}}, "build lacks environments"),
    ],
)
def test_a_list_that_is_not_whole_is_refused(policies: Path, name: str, value: Any, why: str) -> None:
    listed(policies, name, value)
    with pytest.raises(UsageError, match=f"the list {name} of images is wrong") as refusal:
        known(policies)
    assert re.search(why, refusal.value.answers()["why"])


@pytest.mark.parametrize("key", ["-----BEGIN PUBLIC KEY-----\nx\n", pem(ec.generate_private_key(ec.SECP384R1()))])
def test_a_signer_with_another_kind_of_key_is_refused(policies: Path, key: str) -> None:
    listed(policies, "signers", {"build": {"key": key, "environments": ["prod"]}})
    with pytest.raises(UsageError, match="the key of signer build is"):
        known(policies)


def test_no_file_of_parameters_says_which_images_are_known(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))
    prod = copy / "data" / "prod.json"
    prod.write_text(json.dumps({**json.loads(prod.read_text()), "known_images": {QUEUE: ""}}))
    with pytest.raises(UsageError, match="the policy parameters of 'prod' are wrong") as refusal:
        Library.open(copy).parameters("prod")
    assert refusal.value.answers()["why"].startswith("known_images is unknown")


def test_signatures_are_asked_for_where_people_are_served_and_our_own_images_have_them() -> None:
    library = Library.open()
    asked = {environment: library.parameters(environment, NOW)["images"]["signed"] for environment in library.environments}
    assert asked == {"dev": False, "local": False, "onprem": True, "prod": True, "staging": True}
    assert {environment: set(library.parameters(environment, NOW)["known_images"].values()) for environment in ("onprem", "prod", "staging")} == {
        "onprem": {""},
        "prod": {""},
        "staging": {""},
    }
