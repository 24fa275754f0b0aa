"""The bill of materials of an image as CycloneDX 1.6: every Python package and every Debian package that is in it.

    python3 images/bill.py NAME PACKAGES-FOLDER ROOT-FOLDER > bill.cdx.json

Runs in the image's build with the standard library alone; the same content gives the same bytes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote


def bill(name: str, packages: Path, root: Path) -> dict[str, Any]:
    """The bill of image `name`: Python packages below `packages`, Debian packages of the system at `root`."""
    components = [*_python(packages), *_debian(root)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": name, "bom-ref": name}},
        "components": sorted(components, key=lambda each: each["bom-ref"]),
    }


def _python(folder: Path) -> Iterator[dict[str, Any]]:
    for found in distributions(path=[str(folder)]):
        name = found.metadata["Name"].lower().replace("_", "-").replace(".", "-")
        licence = _said(found, "License-Expression")
        terms = {"licenses": [{"expression": licence}]} if licence else _named(_licence_of(found))
        yield {**_component(name, found.version, f"pkg:pypi/{quote(name)}@{quote(found.version)}"), **terms}


def _licence_of(found: Distribution) -> list[str]:
    classifiers = [each.rpartition(" :: ")[2] for each in found.metadata.get_all("Classifier") or [] if each.startswith("License :: ")]
    text = _said(found, "License").strip()
    # Some packages put the whole text where its name belongs.
    return classifiers or ([text] if text and "\n" not in text else [])


def _said(found: Distribution, field: str) -> str:
    return (found.metadata.get_all(field) or [""])[0]


def _named(licences: list[str]) -> dict[str, Any]:
    return {"licenses": [{"license": {"name": each}} for each in licences]} if licences else {}


def _debian(root: Path) -> Iterator[dict[str, Any]]:
    """Packages of a whole Debian (one status file), or of an image that keeps one file a package."""
    status, each = root / "var/lib/dpkg/status", root / "var/lib/dpkg/status.d"
    files = [status] if status.is_file() else sorted(path for path in each.glob("*") if path.suffix != ".md5sums") if each.is_dir() else []
    for path in files:
        for paragraph in path.read_text(encoding="utf-8").split("\n\n"):
            fields = HeaderParser().parsestr(paragraph.lstrip("\n"))
            if fields["Package"] and (fields["Status"] or "installed").split()[-1] == "installed":
                name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
                yield _component(name, version, f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}")


def _component(name: str, version: str, address: str) -> dict[str, Any]:
    return {"type": "library", "name": name, "version": version, "purl": address, "bom-ref": address}


if __name__ == "__main__":
    image, folder, system = sys.argv[1:]
    sys.stdout.write(json.dumps(bill(image, Path(folder), Path(system)), indent=1, sort_keys=True, ensure_ascii=False) + "\n")
