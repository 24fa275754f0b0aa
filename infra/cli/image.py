"""`falaj image`: sign, verify and list images by digest, as cosign does, for the gate and for a cluster's door."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from falaj.errors import Denied, UsageError
from falaj.home import ROOT
from infra.cli import image_provenance as provenance_of
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, table
from infra.cli.witness import written

if TYPE_CHECKING:
    from infra.pipeline.image_provenance import Traced
    from infra.pipeline.image_signatures import Claim, Known

_policies_option = click.option(
    "--policies", default=ROOT / "policies", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Folder of the rules, instead of ours."
)
_key_option = click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="FALAJ_IMAGE_KEY",
    help="P-256 private key in PEM, instead of this machine's own (FALAJ_IMAGE_KEY).",
)
_COLUMNS = ["image", "digest", "bill", "who stands behind it"]
_file = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.group()
def image() -> None:
    """Sign images by digest, as cosign does, and say which of them may run."""


@image.command()
@_key_option
def key(key: Path | None) -> None:
    """Print the public half of the key that signs images, for policies/images/signers.json."""
    from falaj.elliptic import own_key_file, public_half

    click.echo(public_half(key or own_key_file("image"), what="image key").decode(), nl=False)


@image.command()
@click.argument("subject", metavar="IMAGE|ARCHIVE")
@click.option("--as", "name", default="", help="Name that is signed, where the digest or the archive brings none.")
@click.option("--bill", type=_file, help="Its bill of materials, which is signed along; NAME.cdx.json beside NAME.oci.tar where left out.")
@click.option("--provenance", type=_file, help="How it was built, which is signed along; NAME.provenance.json beside NAME.oci.tar where left out.")
@click.option(
    "--cosign", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder for payload.json and payload.sig, for cosign attach signature."
)
@_key_option
@_policies_option
def sign(subject: str, name: str, bill: Path | None, provenance: Path | None, folder: Path | None, key: Path | None, policies: Path) -> None:
    """Sign NAME@sha256:DIGEST, or the OCI archive of an image, and how it was built; keep both in policies/images."""
    from falaj.canonical import digest_file
    from falaj.elliptic import load_private, own_key_file
    from falaj.files import write_durably
    from infra.pipeline.image_signatures import Claim, keep
    from infra.pipeline.image_signatures import sign as signed

    found, digest = _named(subject)
    if not (name or found):
        raise UsageError("this image has no name", given=subject, allowed="NAME@sha256:DIGEST", why="a signature says of what", next="--as falaj-serve")
    listed, built = bill or _beside(subject, ".cdx.json"), provenance or _beside(subject, ".provenance.json")
    claim = Claim(name or found, digest, digest_file(listed) if listed else "")
    signature = signed(claim, load_private(key or own_key_file("image"), what="image key"))
    # First what may be refused: where it is of another image nothing is signed.
    paths = [provenance_of.sign_along(policies, digest, built, key or own_key_file("image"))] if built else []
    paths.insert(0, keep(policies, signature))
    if folder is not None:
        write_durably(folder / "payload.json", base64.b64decode(signature["payload"]))
        write_durably(folder / "payload.sig", signature["signature"].encode())
    along = " and ".join(str(each) for each in (listed, built) if each)
    click.echo(f"signed {claim.reference}@{claim.digest}" + (f" with {along}" if along else "") + "".join(f"\nwrote {path}" for path in paths))


@image.command()
@click.argument("payload", type=click.Path(path_type=Path))
@click.argument("signature", type=click.Path(path_type=Path), required=False)
@_policies_option
def take(payload: Path, signature: Path | None, policies: Path) -> None:
    """Keep a signature made elsewhere, such as by cosign with a key of KMS: the PAYLOAD that it signed, and the SIGNATURE in base64.

    Alone, PAYLOAD is the DSSE envelope around how an image was built, signed by the same key.
    """
    from infra.pipeline.image_signatures import keep, kept

    if signature is None:
        click.echo(f"wrote {provenance_of.take(policies, payload)}\nWhether it counts: falaj image verify")
        return
    try:
        document, raw = payload.read_bytes(), base64.b64decode(b"".join(signature.read_bytes().split()), validate=True)
    except (OSError, binascii.Error, ValueError) as problem:
        allowed = "the document that was signed, and its signature in DER and base64, as cosign writes them"
        raise UsageError("this signature cannot be read", given=f"{payload}, {signature}", allowed=allowed, why=str(problem)) from problem
    click.echo(f"wrote {keep(policies, kept(document, raw))}\nWhether it counts: falaj image list")


@image.command(name="list")
@environment_option
@_policies_option
@json_option
def list_(environment: str, policies: Path, as_json: bool) -> None:
    """List every image that is signed or reviewed, and why one may not run in an environment."""
    found = _look(policies, environment)
    emit([asdict(one) for one in found], as_json, lambda: _shown(found))


@image.command()
@click.argument("subjects", metavar="[IMAGE|ARCHIVE]...", nargs=-1)
@environment_option
@click.option("--document", is_flag=True, help="Write what was found as signed documents, image_attestations and build_provenance.")
@_policies_option
@json_option
def verify(subjects: tuple[str, ...], environment: str, document: bool, policies: Path, as_json: bool) -> None:
    """Ends with 3 where an image may not run in an environment; without a name, those that its config names.

    How each was built is shown beside it, and whose word that is; no image is stopped by it here.
    """
    from infra.pipeline.image_signatures import NOBODY, Claim, Known

    asked = [Claim(*_named(subject)) for subject in subjects] or _of_config(environment)
    known = {one.digest: one for one in _look(policies, environment)}
    found = [known.get(one.digest, Known(one.digest, one.reference, "", NOBODY)) for one in asked]
    found = [_with_its_bill(one, subject) for one, subject in zip(found, subjects or [""] * len(found), strict=True)]
    built = provenance_of.traced(policies, environment, found)
    emit(provenance_of.with_provenance(found, built), as_json, lambda: _shown(found, built))
    if document:
        _write_documents(found, built, environment)
    if wrong := [one for one in found if one.why]:
        raise Denied(
            f"{len(wrong)} of {len(found)} images may not run in {environment}",
            given="; ".join(f"{one.image}@{one.digest}: {one.why}" for one in wrong),
            allowed="images that somebody of policies/images/signers.json signed, or that policies/images/reviewed.json names",
            next="falaj image sign; runbooks/image_unsigned.md",
        )


def _look(policies: Path, environment: str) -> list[Known]:
    from infra.pipeline.gate import instant
    from infra.pipeline.image_signatures import look
    from infra.pipeline.library import Library

    return look(policies, environment, instant(), review_days=Library.open(policies).as_written(environment)["images"]["review_days"])


def _named(subject: str) -> tuple[str, str]:
    """Name and digest of an image: from its archive, or as they stand in NAME@sha256:DIGEST. Raises UsageError for a tag."""
    from infra.pipeline.image_archives import read_archive

    if Path(subject).is_file():
        return read_archive(Path(subject))
    found = re.fullmatch(r"(?:([^@]+)@)?(sha256:[0-9a-f]{64})", subject)
    if not found:
        raise UsageError(
            "this is neither an image by digest nor an archive",
            given=subject,
            allowed="NAME@sha256:DIGEST, sha256:DIGEST, or an OCI archive",
            why="a tag is other content tomorrow, and a file that is not there names nothing",
            next="tools/image.sh says the digest of what it built",
        )
    return found[1] or "", found[2]


def _beside(subject: str, ending: str) -> Path | None:
    """What tools/image.sh left beside an archive."""
    path = Path(subject)
    beside = path.with_name(path.name.removesuffix(".oci.tar") + ending)
    return beside if path.name.endswith(".oci.tar") and beside.is_file() else None


def _with_its_bill(one: Known, subject: str) -> Known:
    """`one`, doubted where the bill of materials beside its archive is not the one that was signed along."""
    from falaj.canonical import digest_file

    beside = _beside(subject, ".cdx.json") if subject and one.bill and not one.why else None
    return replace(one, by="", why=f"{beside} is not the bill of materials that was signed") if beside and digest_file(beside) != one.bill else one


def _of_config(environment: str) -> list[Claim]:
    """The images that an environment's config names, each once."""
    from infra.config.load import is_site, load_environment, load_site
    from infra.pipeline.image_signatures import Claim

    whole = load_site(environment) if is_site(environment) else load_environment(environment)
    images, tracking = whole.workloads.images, whole.platform.tracking_server
    found = {images.train: "falaj-train", images.serve: "falaj-serve"} | ({tracking.image: "falaj-train"} if tracking else {})
    return [Claim(name, digest) for digest, name in found.items()]


def _write_documents(found: Sequence[Known], built: Sequence[Traced], environment: str) -> None:
    attested = {"images": [{"digest": one.digest, "signed": not one.why, "bill_of_materials": bool(one.bill)} for one in found]}
    for kind, facts in (("image_attestations", attested), ("build_provenance", provenance_of.facts(found, built))):
        click.echo(f"wrote {written(kind, environment, facts)[1]}", err=True)


def _shown(found: Sequence[Known], built: Sequence[Traced] = ()) -> str:
    if not found:
        return "no image is signed or reviewed"
    rows = [[one.image, one.digest, "yes" if one.bill else "no", one.by or f"may not run: {one.why}"] for one in found]
    if built:
        return table([[*row, provenance_of.said(how)] for row, how in zip(rows, built, strict=True)], [*_COLUMNS, "built from"])
    return table(rows, _COLUMNS)
