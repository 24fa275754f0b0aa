"""What images are made with: the bill of materials, the lock less what a base brings, and the refusal of a base without a digest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from falaj.home import ROOT

IMAGES = ROOT / "images"
CHECKOV = ROOT / ".cache" / "checkov" / "bin" / "python"
STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10

Package: gone
Status: deinstall ok not-installed
Architecture: all
Version: 1
"""


def run(script: str, *arguments: str, given: str = "") -> str:
    return subprocess.run([sys.executable, "-I", str(IMAGES / script), *arguments], input=given, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A root folder with one Python package and one Debian package."""
    info = tmp_path / "packages" / "Some_Thing-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: Some_Thing\nVersion: 1.2\nLicense-Expression: Apache-2.0\n")
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    return tmp_path


def bill(system: Path) -> dict[str, Any]:
    return json.loads(run("bill.py", "falaj-serve", str(system / "packages"), str(system)))


def test_a_bill_names_each_package_with_version_address_and_licence(system: Path) -> None:
    library, thing = "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64", "pkg:pypi/some-thing@1.2"
    assert bill(system) == {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "falaj-serve", "bom-ref": "falaj-serve"}},
        "components": [
            {"type": "library", "name": "libc6", "version": "2.36-9+deb12u10", "purl": library, "bom-ref": library},
            {
                "type": "library",
                "name": "some-thing",
                "version": "1.2",
                "purl": thing,
                "bom-ref": thing,
                "licenses": [{"expression": "Apache-2.0"}],
            },
        ],
    }


@pytest.mark.skipif(not CHECKOV.exists(), reason="needs the library that checkov brings: make checkov")
def test_a_bill_of_all_that_is_installed_here_is_what_cyclonedx_asks_for() -> None:
    """By CycloneDX's own library and its strict schema; many packages say their licence in many ways."""
    text = run("bill.py", "falaj-train", sysconfig.get_path("purelib"), "/")
    ask = "import sys; from cyclonedx.schema import SchemaVersion; from cyclonedx.validation.json import JsonStrictValidator as V"
    answer = [str(CHECKOV), "-c", f"{ask}; print(V(SchemaVersion.V1_6).validate_str(sys.stdin.read()))"]
    assert subprocess.run(answer, input=text, capture_output=True, text=True, check=True).stdout == "None\n"


def test_a_base_that_keeps_one_file_a_package_is_read_too(system: Path) -> None:
    folder = system / "var/lib/dpkg/status.d"
    folder.mkdir()
    (folder / "libssl3").write_text("Package: libssl3\nVersion: 3.0\nArchitecture: amd64\n")
    (folder / "libssl3.md5sums").write_text("0  usr/lib/libssl.so.3\n")
    (system / "var/lib/dpkg/status").unlink()
    assert [each["name"] for each in bill(system)["components"]] == ["libssl3", "some-thing"]


@pytest.mark.parametrize(
    ("about", "licences"),
    [
        ("License: MIT", [{"license": {"name": "MIT"}}]),
        ("Classifier: License :: OSI Approved :: BSD License", [{"license": {"name": "BSD License"}}]),
        ("License: all of\n        its text", None),
    ],
)
def test_a_licence_is_what_a_package_says_it_is(system: Path, about: str, licences: list[Any] | None) -> None:
    (system / "packages/Some_Thing-1.2.dist-info/METADATA").write_text(f"Metadata-Version: 2.1\nName: Some_Thing\nVersion: 1.2\n{about}\n")
    assert bill(system)["components"][1].get("licenses") == licences


def test_a_part_of_a_lock_holds_what_is_asked_for_less_what_the_base_brings() -> None:
    rest = "torchmetrics==1 ; python_version < '4' \\\n    --hash=sha256:1\n"
    torch, cublas = "torch==2.15 \\\n    --hash=sha256:0\n    # via x\n", "nvidia-cublas==1 \\\n    --hash=sha256:2\n"
    lock = f"{torch}{rest}{cublas}"
    assert run("part.py", ".*", given=lock) == run("part.py", ".*", "", given=lock) == lock
    assert run("part.py", ".*", "torch|nvidia-.*", given=lock) == run("part.py", ".*", "|torch|nvidia-.*", given=lock) == rest
    assert run("part.py", "torch|nvidia-.*", given=lock) == torch + cublas
    assert run("part.py", "torch|nvidia-.*", "torch", given=lock) == cublas


@pytest.mark.parametrize("argument", ["BASE=python:3.11-slim", "BUILD=python", "--build-arg=BASE=python:3.11-slim"])
def test_a_base_without_a_digest_is_refused(tmp_path: Path, argument: str) -> None:
    words = [argument] if argument.startswith("--") else ["--build-arg", argument]
    done = subprocess.run(["sh", str(ROOT / "tools/image.sh"), "serve", str(tmp_path), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[:2]) == (2, ["image: what an image is built on is named by digest", f"  given    {argument}"])


def test_the_lock_of_the_serving_image_holds_no_torch_and_what_reads_s3() -> None:
    names = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements/image_serve.txt").read_text(), re.MULTILINE))
    assert {"boto3", "onnxruntime"} <= names and not names & {"torch", "transformers", "mlflow", "pulumi"}


def test_images_hold_the_versions_that_are_tested_together() -> None:
    tested = _versions("all")
    for name in ("image_serve", "image_train"):
        assert _versions(name) <= tested, name


def _versions(name: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+==[^ ]+)", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE))
