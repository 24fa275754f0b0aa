"""A bundle of a tiny model, for all that is tried with one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import free_block
from tests.workloads.small import tiny_model
from workloads.edge.bundle import Limits, build
from workloads.release import Release, public_half, seal, signing_key_file

DOCUMENT = {"version": "v1", "candidate": "sha256:1", "run": "r", "profile": {}}


@pytest.fixture(scope="package")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model in the form that engines read."""
    from transformers import T5ForConditionalGeneration

    from workloads.engine import graphs, weights

    place = tmp_path_factory.mktemp("edge")
    source = tiny_model(place / "torch")
    torch_model = T5ForConditionalGeneration.from_pretrained(source).float().eval()
    folder = weights.write(torch_model, source / "tokenizer.json", place / "model", kind="f32", input_tokens=64, target_tokens=8)
    graphs.write(folder)
    return folder


@pytest.fixture
def release(model: Path, falaj_home: Path, tmp_path: Path) -> Release:
    shutil.copytree(model, tmp_path / "v1" / "model")
    return seal(tmp_path / "v1", DOCUMENT, signing_key_file())


@pytest.fixture
def bundle(release: Release, tmp_path: Path) -> Path:
    build(release, tmp_path / "bundle", signing_key_file(), limits=Limits(free_block(), 1, 900))
    return tmp_path / "bundle"


@pytest.fixture
def key(bundle: Path, tmp_path: Path) -> Path:
    (tmp_path / "trusted.pem").write_bytes(public_half(signing_key_file()))
    return tmp_path / "trusted.pem"


def install(bundle: Path, key: Path, prefix: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The bundle's own installer, which touches no unit of this machine."""
    command = ["sh", str(bundle / "install.sh"), "--trusted-key", str(key), "--prefix", str(prefix), "--python", sys.executable, "--no-unit", *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)
