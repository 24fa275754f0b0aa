"""How an image was built counts when somebody whose signature counts there signed it, and only of that image."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from falaj import dsse, elliptic
from falaj.errors import UsageError
from falaj.home import ROOT
from infra.pipeline.image_provenance import PAYLOAD_TYPE, Traced, keep, sign, trace
from infra.pipeline.library import Library
from tests.pipeline.test_build_provenance import IMAGE, OURS, made
from tests.pipeline.test_image_signatures import PRIVATE, STRANGER, listed, pem

PAYLOAD = json.dumps(made()).encode()
GOOD = Traced(IMAGE, "signed by build", "", "https://builder", OURS, "c" * 40, True)
UNSIGNED = "nobody whose signature counts has signed how it was built"


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """Rules beside which the build said, for prod and staging, how one image was built."""
    shutil.copytree(ROOT / "policies" / "schemas", tmp_path / "schemas")
    listed(tmp_path, "signers", {"build": {"key": pem(PRIVATE), "environments": ["staging", "prod"]}})
    keep(tmp_path, sign(PAYLOAD, PRIVATE))
    return tmp_path


def stored(policies: Path) -> Path:
    return policies / "images" / "provenance" / f"{IMAGE.removeprefix('sha256:')}.json"


def why(policies: Path, environment: str = "prod") -> str:
    (found,) = trace(policies, environment).values()
    # What does not count says nothing.
    assert not found.why or found == Traced(found.digest, "", found.why)
    return found.why


def test_what_the_build_signed_counts_where_it_signs(policies: Path) -> None:
    assert trace(policies, "prod") == {IMAGE: GOOD}
    assert why(policies, "dev") == "build signs for staging, prod, not for dev"


def test_nothing_is_known_where_nothing_is_kept(policies: Path) -> None:
    shutil.rmtree(policies / "images" / "provenance")
    assert trace(policies, "prod") == {}


def test_openssl_verifies_the_signature_over_dsses_encoding(policies: Path, tmp_path: Path) -> None:
    kept = json.loads(stored(policies).read_text())
    payload, signature = base64.b64decode(kept["payload"]), base64.b64decode(kept["signatures"][0]["sig"])
    encoded = b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload
    for name, data in (("encoded", encoded), ("signature", signature), ("key", pem(PRIVATE).encode())):
        (tmp_path / name).write_bytes(data)
    verified = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "encoded"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (payload, verified.returncode, verified.stdout) == (PAYLOAD, 0, "Verified OK\n")


def enveloped(payload: bytes, key: ec.EllipticCurvePrivateKey = PRIVATE, kind: str = PAYLOAD_TYPE) -> dict[str, Any]:
    return dsse.envelope(kind, payload, [elliptic.signed(key, dsse.pae(kind, payload))])


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (lambda said: {**said, "payload": base64.b64encode(PAYLOAD + b" ").decode()}, UNSIGNED),
        (lambda said: {**said, "payload": base64.b64encode(PAYLOAD.replace(b"true", b"false")).decode()}, UNSIGNED),
        (lambda said: {**said, "signatures": [{"keyid": "", "sig": "AAAA"}]}, UNSIGNED),
        (lambda said: enveloped(PAYLOAD, STRANGER), UNSIGNED),
        (lambda said: dsse.envelope(PAYLOAD_TYPE, PAYLOAD, [elliptic.signed(PRIVATE, PAYLOAD)]), UNSIGNED),
        (lambda said: {**enveloped(PAYLOAD, kind="a/b"), "payloadType": PAYLOAD_TYPE}, UNSIGNED),
        (lambda said: enveloped(PAYLOAD.replace(b"4" * 64, b"5" * 64)), f"its provenance is of another image, sha256:{'5' * 64}"),
        (lambda said: enveloped(b"{}"), "it cannot be read: '_type'"),
        (lambda said: {**said, "by": "me"}, "by is unknown (known: payload, payloadType, signatures)"),
        (lambda said: {**said, "signatures": []}, "signatures has fewer than 1 items"),
        (lambda said: [], "the document is not of type object"),
    ],
)
def test_what_is_no_provenance_of_that_image_does_not_count(policies: Path, change: Any, answer: str) -> None:
    stored(policies).write_text(json.dumps(change(json.loads(stored(policies).read_text()))))
    assert why(policies) == answer


@pytest.mark.parametrize("cut", [0, 1, 40, -2])
def test_a_file_that_is_cut_off_does_not_count(policies: Path, cut: int) -> None:
    stored(policies).write_text(stored(policies).read_text()[:cut])
    assert why(policies).startswith("its provenance cannot be read: ")


def test_one_good_signature_of_two_is_enough_and_a_signer_taken_out_takes_it_along(policies: Path) -> None:
    both = [elliptic.signed(each, dsse.pae(PAYLOAD_TYPE, PAYLOAD)) for each in (STRANGER, PRIVATE)]
    keep(policies, dsse.envelope(PAYLOAD_TYPE, PAYLOAD, both))
    assert trace(policies, "prod") == {IMAGE: GOOD}
    listed(policies, "signers", {})
    assert why(policies) == UNSIGNED


def test_a_file_that_is_called_after_no_digest_is_named(policies: Path) -> None:
    stored(policies).rename(stored(policies).with_name("latest.json"))
    assert trace(policies, "prod") == {"latest.json": Traced("latest.json", "", "its file is not called after a digest")}


@pytest.mark.parametrize(
    ("envelope", "reason"),
    [
        (enveloped(b"{}"), "it cannot be read: '_type'"),
        (enveloped(PAYLOAD, kind="application/json"), "it is of type application/json"),
        ({"payload": ""}, "it is no envelope: 'payloadType'"),
        ([], "it is no envelope: list indices must be integers or slices, not str"),
    ],
)
def test_what_says_nothing_of_a_build_is_not_kept(policies: Path, envelope: Any, reason: str) -> None:
    before = sorted((policies / "images" / "provenance").iterdir())
    with pytest.raises(UsageError, match="does not say how an image was built") as refusal:
        keep(policies, envelope)
    assert refusal.value.answers()["why"] == reason and sorted((policies / "images" / "provenance").iterdir()) == before


def test_what_is_of_another_image_is_not_kept_for_this_one(policies: Path) -> None:
    with pytest.raises(UsageError, match="of another image"):
        keep(policies, sign(PAYLOAD, PRIVATE), of="sha256:" + "9" * 64)


def test_what_somebody_else_enveloped_is_kept_in_our_form(policies: Path) -> None:
    """As cosign writes it: keys in an order of its own, and none named."""
    theirs = enveloped(PAYLOAD)
    keep(policies, {"signatures": [{"sig": theirs["signatures"][0]["sig"]}], "payload": theirs["payload"], "payloadType": theirs["payloadType"], "more": 1})
    assert trace(policies, "prod") == {IMAGE: GOOD}


def test_a_provenance_that_is_added_changes_the_digest_of_the_rules(tmp_path: Path) -> None:
    """No plan is judged by it, but it goes the same road as the signature beside it: by a reviewed change, and a decision made before falls."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    before = Library.open(tmp_path / "policies").digest
    keep(tmp_path / "policies", sign(PAYLOAD, PRIVATE))
    assert Library.open(tmp_path / "policies").digest != before
