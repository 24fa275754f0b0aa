"""What a node is made from before it starts: images without an engine, certificates, and who may ask whom."""

from __future__ import annotations

import json
import tarfile
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509

from infra.sandbox.node import certificates
from infra.sandbox.node.api import Api
from infra.sandbox.node.certificates import Authority
from infra.sandbox.node.configs import authority, make_credentials, pair
from infra.sandbox.node.images import write_image
from infra.sandbox.node.settings import settings_of


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {each.name: file.read() for each in archive if (file := archive.extractfile(each))}


def test_an_image_holds_its_program_and_names_every_part_by_digest(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    write_image(tmp_path / "image.tar", "localhost/x:1", {"bin/x": program}, entry=["/bin/x"])
    parts = members(tmp_path / "image.tar")
    (top,) = json.loads(parts["index.json"])["manifests"]
    blobs = {name: data for name, data in parts.items() if name.startswith("blobs/")}
    assert all(name == f"blobs/sha256/{sha256(data).hexdigest()}" for name, data in blobs.items()) and len(blobs) == 3
    assert top["annotations"] == {"io.containerd.image.name": "localhost/x:1"}
    manifest = json.loads(parts[f"blobs/sha256/{top['digest'][7:]}"])
    config = json.loads(parts[f"blobs/sha256/{manifest['config']['digest'][7:]}"])
    assert config["config"] == {"Entrypoint": ["/bin/x"], "User": "65532:65532"}
    layer = tmp_path / "layer.tar.gz"
    layer.write_bytes(parts[f"blobs/sha256/{manifest['layers'][0]['digest'][7:]}"])
    assert members(layer) == {"bin/x": b"\x7fELF"}


def test_the_same_program_gives_the_same_image(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_image(tmp_path / name, "localhost/x:1", {"x": Path(__file__)}, entry=["/x"])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_certificate_says_who_and_where_and_is_its_authoritys(tmp_path: Path) -> None:
    signer = Authority(tmp_path, "cluster")
    made = signer.issue("server", user="kube-apiserver", groups=["system:masters"], hosts=["kubernetes", "10.0.0.1"])
    certificate, issuer = (x509.load_pem_x509_certificate(path.read_bytes()) for path in (made.certificate, signer.certificate))
    certificate.verify_directly_issued_by(issuer)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert certificate.subject.rfc4514_string() == "CN=kube-apiserver,O=system:masters"
    assert (names.get_values_for_type(x509.DNSName), [str(each) for each in names.get_values_for_type(x509.IPAddress)]) == (["kubernetes"], ["10.0.0.1"])
    assert made.key.stat().st_mode & 0o777 == 0o600


def test_the_store_trusts_nobody_whom_the_cluster_trusts(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    make_credentials(settings)
    store = x509.load_pem_x509_certificate(authority(settings, "store").read_bytes())
    for name in ("admin", "kubelet", "proxy", "api-server"):
        with pytest.raises(ValueError):
            x509.load_pem_x509_certificate(pair(settings, name).certificate.read_bytes()).verify_directly_issued_by(store)
    x509.load_pem_x509_certificate(pair(settings, "api-server-to-store").certificate.read_bytes()).verify_directly_issued_by(store)


def test_certificates_are_new_at_each_start_and_who_signs_them_stays_with_the_key_of_tokens(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    kept = [authority(settings, name) for name in ("cluster", "store", "front")] + [settings.certificates / "service-accounts.key"]
    new = [pair(settings, name).certificate for name in ("admin", "api-server", "store-server", "front-proxy")]
    starts = []
    for _ in range(2):
        make_credentials(settings)
        starts.append([[path.read_bytes() for path in paths] for paths in (kept, new)])
    assert starts[0][0] == starts[1][0]
    assert not set(starts[0][1]) & set(starts[1][1])
    assert {path.stat().st_mode & 0o777 for path in settings.certificates.glob("*.key")} == {0o600}


def test_an_authority_that_ends_before_what_it_would_sign_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as short:
        short.setattr(certificates, "_LIFE_OF_AUTHORITIES", timedelta(days=300))
        before = Authority(tmp_path, "cluster").certificate.read_bytes()
    after = Authority(tmp_path, "cluster").certificate.read_bytes()
    assert after != before and Authority(tmp_path, "cluster").certificate.read_bytes() == after


def test_the_kubeconfig_is_its_owners_alone_and_names_the_node(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    make_credentials(settings)
    assert (settings.kubeconfig.stat().st_mode & 0o777, Api.of(settings.kubeconfig).url) == (0o600, settings.url)
