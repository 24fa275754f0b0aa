"""`falaj image`: from an archive to a signature that counts, and back to none."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from falaj.canonical import digest_bytes
from falaj.errors import Denied, FalajError, UsageError
from falaj.files import write_json
from falaj.home import ROOT, environment_folder
from infra.cli.main import falaj
from infra.pipeline.build_provenance import Run, Source, statement
from infra.pipeline.evidence_documents import read_folder
from infra.pipeline.gate import judge_evidence
from infra.pipeline.policy_engine import RegorusEngine

pytestmark = pytest.mark.usefixtures("falaj_home")
NAME = "org.opencontainers.image.ref.name"


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """The parameters and signatures of ours; this machine's key signs for prod, and nobody else does."""
    for name in ("data", "images", "schemas"):
        shutil.copytree(ROOT / "policies" / name, tmp_path / "policies" / name)
    (tmp_path / "policies" / "plan").mkdir()
    write_json(tmp_path / "policies" / "images" / "signers.json", {"build": {"key": run(tmp_path / "policies", "key").stdout, "environments": ["prod"]}})
    return tmp_path / "policies"


def run(policies: Path, verb: str, *words: str | Path) -> Result:
    options = [] if verb == "key" else ["--policies", str(policies)]
    return CliRunner().invoke(falaj, ["image", verb, *(str(word) for word in words), *options])


def problem(answer: Result) -> FalajError:
    assert isinstance(answer.exception, FalajError), answer.output
    return answer.exception


def archive(path: Path, *, name: str = "falaj-serve:v1", change: dict[str, bytes] | None = None, images: int = 1) -> str:
    """Write the OCI archive of an image with one layer; returns its digest. `change` puts other bytes (none: no file) in the place of files."""
    blobs = {digest_bytes(data): data for data in (b"{}", b"layer")}
    parts = [{"digest": digest, "size": len(data)} for digest, data in blobs.items()]
    manifest = json.dumps({"config": parts[0], "layers": parts[1:]}).encode()
    blobs[digest_bytes(manifest)] = manifest
    described = {"digest": digest_bytes(manifest), "size": len(manifest), "annotations": {NAME: name} if name else {}}
    files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps({"manifests": [described] * images}).encode()}
    files |= {"blobs/" + digest.replace(":", "/"): data for digest, data in blobs.items()}
    with tarfile.open(path, "w") as written:
        for each, data in {**files, **(change or {})}.items():
            if data:
                member = tarfile.TarInfo(each)
                member.size = len(data)
                written.addfile(member, io.BytesIO(data))
    return digest_bytes(manifest)


def test_an_archive_is_signed_with_its_bill_and_may_then_run_in_prod(policies: Path, tmp_path: Path) -> None:
    digest, bill = archive(tmp_path / "serve.oci.tar"), tmp_path / "serve.cdx.json"
    bill.write_text("{}")
    assert f"falaj-serve@{digest}: nobody whose signature counts has signed it" in str(
        problem(run(policies, "verify", tmp_path / "serve.oci.tar", "--env", "prod"))
    )
    signed = run(policies, "sign", tmp_path / "serve.oci.tar")
    kept = policies / "images" / "signatures" / f"{digest.removeprefix('sha256:')}.json"
    assert signed.stdout == f"signed falaj-serve@{digest} with {bill}\nwrote {kept}\n"
    (found,) = json.loads(run(policies, "verify", tmp_path / "serve.oci.tar", "--env", "prod", "--json").stdout)
    nothing = {"by": "", "why": "nobody has said how it was built", "builder": "", "repository": "", "commit": "", "clean": None}
    assert found == {
        "digest": digest,
        "image": "falaj-serve",
        "by": "signed by build",
        "why": "",
        "bill": digest_bytes(b"{}"),
        "reviewed": False,
        "provenance": nothing,
    }
    bill.write_text("{ }")
    assert f"{bill} is not the bill of materials that was signed" in str(problem(run(policies, "verify", tmp_path / "serve.oci.tar", "--env", "prod")))


def test_a_key_of_dev_lets_nothing_run_elsewhere(policies: Path) -> None:
    subject = f"falaj-serve@sha256:{'7' * 64}"
    assert run(policies, "sign", subject).exit_code == 0
    refusal = problem(run(policies, "verify", subject, "--env", "staging"))
    assert isinstance(refusal, Denied) and refusal.answers()["given"] == f"{subject}: build signs for prod, not for staging"


def test_without_a_name_the_images_of_the_config_are_verified_and_written_down_as_evidence(policies: Path) -> None:
    """The config's own images were signed by another key than this machine's."""
    refusal = problem(run(policies, "verify", "--env", "prod"))
    assert refusal.what == "2 of 2 images may not run in prod"
    for row in json.loads(run(policies, "list", "--env", "prod", "--json").stdout):
        assert run(policies, "sign", f"{row['image']}@{row['digest']}").exit_code == 0
    answer = run(policies, "verify", "--env", "prod", "--document")
    assert answer.exit_code == 0, answer.output
    CliRunner().invoke(falaj, ["evidence", "key"])
    found = read_folder(environment_folder("prod") / "documents", "prod")["documents"]
    (document,), (built,) = found["image_attestations"], found["build_provenance"]
    assert document["signed"] and [(one["signed"], one["bill_of_materials"]) for one in document["facts"]["images"]] == [(True, False)] * 2
    assert built["signed"] and [(one["verified"], one["why"]) for one in built["facts"]["images"]] == [(False, "nobody has said how it was built")] * 2


def test_a_signature_made_elsewhere_is_taken_and_what_signs_no_image_is_not(policies: Path, tmp_path: Path) -> None:
    """By openssl, with a key in the place of one in KMS; cosign's files are those two."""
    key = tmp_path / "kms.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key)], check=True, capture_output=True)
    subject = f"falaj-train@sha256:{'8' * 64}"
    assert run(policies, "sign", subject, "--key", key, "--cosign", tmp_path / "made").exit_code == 0
    assert "nobody whose signature counts" in str(problem(run(policies, "verify", subject, "--env", "prod")))
    public = CliRunner().invoke(falaj, ["image", "key", "--key", str(key)]).stdout
    write_json(policies / "images" / "signers.json", {"release": {"key": public, "environments": ["prod"]}})
    (policies / "images" / "signatures" / f"{'8' * 64}.json").unlink()
    assert run(policies, "take", tmp_path / "made" / "payload.json", tmp_path / "made" / "payload.sig").exit_code == 0
    assert run(policies, "verify", subject, "--env", "prod").exit_code == 0
    (tmp_path / "made" / "payload.json").write_text('{"critical": {}}')
    assert problem(run(policies, "take", tmp_path / "made" / "payload.json", tmp_path / "made" / "payload.sig")).what == "this signs no image"
    assert problem(run(policies, "take", key, key)).what == "this signature cannot be read"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("nginx:latest",), "this is neither an image by digest nor an archive"),
        (("out/serve.oci.tar",), "this is neither an image by digest nor an archive"),
        ((f"sha256:{'7' * 64}",), "this image has no name"),
        ((f"falaj-serve@sha256:{'7' * 64}", "--key", "nowhere.pem"), "the image key cannot be read"),
    ],
)
def test_what_names_no_image_or_no_key_is_not_signed(policies: Path, words: tuple[str, ...], what: str) -> None:
    before = sorted((policies / "images" / "signatures").iterdir())
    refusal = problem(run(policies, "sign", *words))
    assert isinstance(refusal, UsageError) and refusal.what == what
    assert sorted((policies / "images" / "signatures").iterdir()) == before


def _layer() -> str:
    return "blobs/sha256/" + hashlib.sha256(b"layer").hexdigest()


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"change": {"index.json": b""}}, "index.json is missing"),
        ({"change": {_layer(): b""}}, f"sha256:{hashlib.sha256(b'layer').hexdigest()} is missing or cut off"),
        ({"change": {_layer(): b"lay"}}, f"sha256:{hashlib.sha256(b'layer').hexdigest()} is missing or cut off"),
        ({"images": 2}, "it holds 2 images"),
        ({"change": {"index.json": b"[]"}}, "list indices must be integers or slices, not str"),
    ],
)
def test_an_archive_that_is_not_whole_is_not_signed(policies: Path, tmp_path: Path, made: dict[str, Any], why: str) -> None:
    archive(tmp_path / "serve.oci.tar", **made)
    refusal = problem(run(policies, "sign", tmp_path / "serve.oci.tar"))
    assert (refusal.what, refusal.answers()["why"]) == ("this is no image as an OCI archive", why)


def test_a_manifest_that_is_not_what_the_index_says_is_not_signed(policies: Path, tmp_path: Path) -> None:
    digest = archive(tmp_path / "serve.oci.tar")
    archive(tmp_path / "serve.oci.tar", change={"blobs/" + digest.replace(":", "/"): b'{"config": {}, "layers": []}'})
    assert problem(run(policies, "sign", tmp_path / "serve.oci.tar")).answers()["why"] == f"its manifest is not {digest}"
    (tmp_path / "text.tar").write_text("no tar")
    assert problem(run(policies, "sign", tmp_path / "text.tar")).what == "this is no image as an OCI archive"


def built(path: Path, digest: str, *, builder: str = "https://falaj.internal/builders/one", changed: tuple[str, ...] = ()) -> None:
    """Write what tools/image.sh leaves beside an archive about how it was built."""
    source = Source("git+https://github.com/your-organisation/falaj", "c" * 40, changed)
    run_ = Run(builder, "urn:uuid:1", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z")
    write_json(path, statement("falaj-serve", digest, dockerfile="", arguments=[], source=source, run=run_))


def judged(environment: str = "prod") -> dict[str, list[str]]:
    """What the rule says of the document that was written last."""
    given = read_folder(environment_folder(environment) / "documents", environment)
    decision = judge_evidence(given, environment, given["documents"]["build_provenance"][0]["at"], subject="documents", engine=RegorusEngine())
    (result,) = [each for each in decision.rules if each.rule == "builds_traced"]
    return {**result.fail, **result.unknown}


def test_how_an_archive_was_built_is_signed_along_shown_and_written_down_as_evidence(policies: Path, tmp_path: Path) -> None:
    digest = archive(tmp_path / "serve.oci.tar")
    built(tmp_path / "serve.provenance.json", digest)
    signed = run(policies, "sign", tmp_path / "serve.oci.tar")
    kept = policies / "images" / "provenance" / f"{digest.removeprefix('sha256:')}.json"
    assert signed.stdout.startswith(f"signed falaj-serve@{digest} with {tmp_path / 'serve.provenance.json'}\n") and signed.stdout.endswith(f"wrote {kept}\n")
    shown = run(policies, "verify", tmp_path / "serve.oci.tar", "--env", "prod", "--document")
    assert shown.exit_code == 0 and "cccccccccccc by https://falaj.internal/builders/one, signed by build" in shown.stdout
    assert judged() == {}
    run(policies, "verify", tmp_path / "serve.oci.tar", "--env", "staging", "--document")
    assert judged("staging") == {"build_provenance": [f"{digest} is not traced: build signs for prod, not for staging"]}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"changed": ("falaj/files.py",)}, "was built from a checkout that had been changed"),
        ({"builder": "urn:falaj:builder:unnamed"}, "was built by urn:falaj:builder:unnamed, who builds nothing of ours"),
    ],
)
def test_a_build_that_is_not_as_it_must_be_is_written_down_and_denied(policies: Path, tmp_path: Path, made: dict[str, Any], why: str) -> None:
    digest = archive(tmp_path / "serve.oci.tar")
    built(tmp_path / "serve.provenance.json", digest, **made)
    assert run(policies, "sign", tmp_path / "serve.oci.tar").exit_code == 0
    assert run(policies, "verify", tmp_path / "serve.oci.tar", "--env", "prod", "--document").exit_code == 0
    assert judged() == {"build_provenance": [f"{digest} {why}"]}


def test_what_is_said_of_another_build_is_not_signed_and_nothing_else_is_either(policies: Path, tmp_path: Path) -> None:
    archive(tmp_path / "serve.oci.tar")
    built(tmp_path / "serve.provenance.json", "sha256:" + "7" * 64)
    before = sorted((policies / "images").rglob("*"))
    refusal = problem(run(policies, "sign", tmp_path / "serve.oci.tar"))
    assert isinstance(refusal, UsageError) and refusal.what == "this provenance is of another image"
    (tmp_path / "serve.provenance.json").write_text("{")
    assert problem(run(policies, "sign", tmp_path / "serve.oci.tar")).what == "this does not say how an image was built"
    assert sorted((policies / "images").rglob("*")) == before


def test_an_image_of_others_is_said_to_be_reviewed_and_is_not_asked_for_more(policies: Path) -> None:
    digest = "sha256:" + "9" * 64
    until = (date.today() + timedelta(days=30)).isoformat()
    review = {"image": f"registry.k8s.io/pause@{digest}", "owner": "ml-platform", "reason": "it does nothing", "expires": until}
    write_json(policies / "images" / "reviewed.json", [review])
    assert run(policies, "verify", f"registry.k8s.io/pause@{digest}", "--env", "prod", "--document").exit_code == 0
    assert judged() == {}


def test_an_envelope_that_was_signed_elsewhere_is_taken(policies: Path, tmp_path: Path) -> None:
    digest = archive(tmp_path / "serve.oci.tar")
    built(tmp_path / "serve.provenance.json", digest)
    assert run(policies, "sign", tmp_path / "serve.oci.tar").exit_code == 0
    kept = policies / "images" / "provenance" / f"{digest.removeprefix('sha256:')}.json"
    shutil.move(kept, tmp_path / "envelope.json")
    assert "not known: nobody has said how it was built" in run(policies, "verify", tmp_path / "serve.oci.tar", "--env", "prod").stdout
    assert run(policies, "take", tmp_path / "envelope.json").exit_code == 0 and kept.exists()
    (tmp_path / "envelope.json").write_text("{")
    assert problem(run(policies, "take", tmp_path / "envelope.json")).what == "this envelope cannot be read"
