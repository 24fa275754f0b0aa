"""A release's signature: ours and model-signing's own check say the same, and nothing that was altered passes."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from falaj.canonical import digest_file
from workloads.release import SIGNATURE, NotTrusted, public_half, seal, signing_key_file, verify
from workloads.release_signature import BadSignature, check


@pytest.fixture
def release(falaj_home: Path, tmp_path: Path) -> Path:
    (tmp_path / "v1/model").mkdir(parents=True)
    (tmp_path / "v1/model/config.json").write_text("{}")
    (tmp_path / "v1/a.json").write_text("[]")
    seal(tmp_path / "v1", {"version": "v1"}, signing_key_file())
    return tmp_path / "v1"


def files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): digest_file(path) for path in folder.rglob("*") if path.is_file() and path.name != SIGNATURE}


def trusted() -> bytes:
    return public_half(signing_key_file())


def theirs(folder: Path, tmp_path: Path) -> None:
    """model-signing's own check."""
    from model_signing import verifying

    (tmp_path / "trusted.pem").write_bytes(trusted())
    verifying.Config().use_elliptic_key_verifier(public_key=tmp_path / "trusted.pem").verify(folder, folder / SIGNATURE)


def test_both_checks_accept_what_was_signed(release: Path, tmp_path: Path) -> None:
    check(release / SIGNATURE, trusted(), files(release))
    theirs(release, tmp_path)


def test_both_refuse_an_altered_an_added_and_a_missing_file(release: Path, tmp_path: Path) -> None:
    before = files(release)
    for name, content in (("a.json", "[1]"), ("more.json", "{}"), ("model/config.json", None)):
        path = release / name
        kept = path.read_bytes() if path.exists() else None
        path.unlink() if content is None else path.write_text(content)
        with pytest.raises(BadSignature, match=f"{name} is not as it was signed"):
            check(release / SIGNATURE, trusted(), files(release))
        with pytest.raises(Exception):  # noqa: B017  (model-signing lets through what its parsers raise)
            theirs(release, tmp_path)
        path.write_bytes(kept) if kept is not None else path.unlink()
    assert files(release) == before


def test_another_key_is_refused(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "other"))
    with pytest.raises(BadSignature, match="not made by the trusted key"):
        check(release / SIGNATURE, trusted(), files(release))
    with pytest.raises(NotTrusted, match="its signature does not verify"):
        verify(release, trusted())
    for key in (b"", b"not a key"):
        with pytest.raises(BadSignature, match="the trusted key cannot be read"):
            check(release / SIGNATURE, key, files(release))


def altered(release: Path, change: Any) -> None:
    path = release / SIGNATURE
    document = json.loads(path.read_text())
    change(document["dsseEnvelope"])
    path.write_text(json.dumps(document))


def test_every_flipped_bit_of_signature_or_payload_is_refused(release: Path) -> None:
    whole = (release / SIGNATURE).read_text()
    sizes = {"sig": 72, "payload": len(base64.b64decode(json.loads(whole)["dsseEnvelope"]["payload"]))}
    for part, size in sizes.items():
        for bit in range(0, size * 8 - 16, 7):
            (release / SIGNATURE).write_text(whole)

            def flip(envelope: Any, part: str = part, bit: int = bit) -> None:
                place = envelope["signatures"][0] if part == "sig" else envelope
                data = bytearray(base64.b64decode(place[part]))
                data[bit // 8 % len(data)] ^= 1 << bit % 8
                place[part] = base64.b64encode(bytes(data)).decode()

            altered(release, flip)
            with pytest.raises(BadSignature):
                check(release / SIGNATURE, trusted(), files(release))


@pytest.mark.parametrize(
    "change",
    [
        lambda envelope: envelope.update(payloadType="text/plain"),
        lambda envelope: envelope.update(signatures=[]),
        lambda envelope: envelope.update(signatures=envelope["signatures"] * 2),
        lambda envelope: envelope.update(payload="%%"),
        lambda envelope: envelope.pop("payload"),
        lambda envelope: envelope.update(signatures=None),
    ],
)
def test_a_bundle_of_another_form_is_refused(change: Any, release: Path) -> None:
    altered(release, change)
    with pytest.raises(BadSignature):
        check(release / SIGNATURE, trusted(), files(release))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"dsseEnvelope": {}}', "[" * 100000])
def test_what_is_no_bundle_is_refused(text: str, release: Path) -> None:
    (release / SIGNATURE).write_text(text)
    with pytest.raises(BadSignature):
        check(release / SIGNATURE, trusted(), files(release))
