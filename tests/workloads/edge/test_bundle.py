"""Edge bundles: only what was signed is installed and started, and it starts with nothing but its own folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from falaj.errors import UsageError
from tests.conftest import free_block
from tests.workloads.edge.conftest import DOCUMENT, install
from workloads.edge.bundle import Limits, build
from workloads.edge.code import modules_of
from workloads.edge.signed import SIGNATURE, SUMS, NotTheBundle, check, files, sign
from workloads.edge.start import environment
from workloads.engine import native_build
from workloads.engine.native_engine import problem
from workloads.release import Release, public_half, seal, signing_key_file
from workloads.sealing import identity_of, seal_folder
from workloads.sealing_keys import KeyFile

ROOT = Path(__file__).resolve().parents[3]


def test_a_bundle_holds_what_serving_needs_and_nothing_of_training(bundle: Path, key: Path) -> None:
    assert {path.name for path in bundle.iterdir()} == {
        "code", "releases", "requirements.txt", "bundle.json", "falaj-serve.service", "install.sh", "README.txt", SUMS, SIGNATURE,
    }  # fmt: skip
    names = {path.relative_to(bundle / "code").as_posix() for path in (bundle / "code").rglob("*.py")}
    assert {"workloads/serve/worker.py", "workloads/edge/start.py", "falaj/errors.py"} <= names
    assert not {name for name in names if name.startswith(("infra/", "workloads/train", "workloads/compress", "workloads/bench", "workloads/data"))}
    assert check(bundle, key.read_bytes()) == len(files(bundle))
    document = json.loads((bundle / "bundle.json").read_text())
    assert (document["schema"], document["version"], document["sealed"], document["memory_mebibytes"]) == ("falaj.edge/1", "v1", False, 900)
    libraries = {path.name.split("-")[1] for path in (bundle / "code" / "workloads" / "engine" / "native").glob("*.so")}
    assert libraries == set(document["native"]) == set(native_build.every_class() if problem() is None else ())
    assert "torch" not in (bundle / "requirements.txt").read_text().split("==")[0::1]


def test_code_that_serving_imports_never_reaches_training_libraries() -> None:
    heavy = ("import torch", "import transformers", "import pandas", "import mlflow", "import onnx\n")
    assert [path.name for path in modules_of(ROOT) if any(word in path.read_text() for word in heavy)] == []


def test_a_bundle_is_never_written_over_another_thing(release: Release, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="there is something already"):
        build(release, tmp_path / "there", signing_key_file())


def flip(bundle: Path) -> None:
    path = bundle / "code/workloads/serve/worker.py"
    path.write_bytes(path.read_bytes()[:-1] + b" ")


def resign(bundle: Path) -> None:
    """Somebody alters a file and signs again, with a key of their own."""
    flip(bundle)
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (bundle.parent / "theirs.pem").write_bytes(pem)
    sign(bundle, bundle.parent / "theirs.pem")


HARMS: list[tuple[str, Callable[[Path], Any], str]] = [
    ("altered", flip, "worker.py was altered"),
    ("missing", lambda bundle: (bundle / "code/falaj/errors.py").unlink(), "errors.py is missing"),
    ("added", lambda bundle: (bundle / "code/sitecustomize.py").write_text("print('mine')"), "sitecustomize.py was added"),
    ("link", lambda bundle: (bundle / "code/extra").symlink_to("/etc"), "extra was added"),
    ("swapped for a link", lambda bundle: ((bundle / "bundle.json").rename(bundle.parent / "b"), (bundle / "bundle.json").symlink_to("../b")), "is missing"),
    ("weights", lambda bundle: os.truncate(next(bundle.rglob("weights.safetensors")), 100), "weights.safetensors was altered"),
    ("list", lambda bundle: (bundle / SUMS).write_text((bundle / SUMS).read_text().replace("a", "b", 1)), "signature does not verify"),
    ("signature", lambda bundle: (bundle / SIGNATURE).unlink(), "SHA256SUMS.sig is missing"),
    ("signed anew", resign, "signature does not verify"),
    ("strange name", lambda bundle: (bundle / "code/a\nb.py").write_text(""), "is no name for a file of a bundle"),
]


@pytest.mark.parametrize(("harm", "message"), [pytest.param(harm, message, id=name) for name, harm, message in HARMS])
def test_a_harmed_bundle_is_refused_by_the_check_and_by_the_installer(
    harm: Callable[[Path], Any], message: str, bundle: Path, key: Path, tmp_path: Path
) -> None:
    harm(bundle)
    with pytest.raises(NotTheBundle, match=message):
        check(bundle, key.read_bytes())
    done = install(bundle, key, tmp_path / "prefix")
    assert (done.returncode, (tmp_path / "prefix").exists()) == (3, False), done.stderr


def clean_environment(folder: Path) -> Path:
    """An environment that sees this one's packages but not this checkout."""
    venv.create(folder, with_pip=False)
    site = next(folder.glob("lib/python*/site-packages"))
    packages = next(path for path in map(Path, sys.path) if path.name == "site-packages" and (path / "numpy").is_dir())
    (site / "present.pth").write_text(f"{packages}\n")
    return folder


def test_an_installed_bundle_serves_its_release_from_its_own_folder(bundle: Path, key: Path, tmp_path: Path) -> None:
    prefix, environment_folder = tmp_path / "opt" / "falaj", clean_environment(tmp_path / "venv")
    done = install(bundle, key, prefix, "--venv", str(environment_folder))
    assert done.returncode == 0, done.stderr
    assert "the bundle is whole" in done.stderr
    port = json.loads((prefix / "bundle.json").read_text())["port"]
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "FALAJ_TRUSTED_KEY": str(key), "PYTHONPATH": str(prefix / "code"),
        "PYTHONDONTWRITEBYTECODE": "1", "PORT": str(port), "OMP_NUM_THREADS": "1", "FALAJ_SERVE_ENGINE": "onnx", "FALAJ_AUTH": "none",
    }  # fmt: skip
    python = f"{prefix}.run/venv/bin/python"
    where = subprocess.run(
        [python, "-P", "-c", "import workloads; print(workloads.__file__)"], env=environ, capture_output=True, text=True, cwd="/", check=True
    )
    assert where.stdout.strip() == str(prefix / "code/workloads/__init__.py")
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([python, "-P", "-m", "workloads.edge.start"], env=environ, cwd="/", stdout=log, stderr=log)
    try:
        answer = ask(port, server, tmp_path / "log")
        assert (answer.status_code, answer.json()["release"]) == (200, "v1"), answer.text
    finally:
        server.terminate()
        server.wait(30)
    (prefix / "code/falaj/errors.py").write_text("")
    again = subprocess.run([python, "-P", "-m", "workloads.edge.start"], env=environ, cwd="/", capture_output=True, text=True, check=False, timeout=60)
    assert again.returncode != 0 and "serving" not in again.stderr


def wheel(folder: Path, name: str, *requires: str) -> str:
    """A wheel of one empty module; its line in a hashed list."""
    path = folder / f"{name}-1-py3-none-any.whl"
    info = f"{name}-1.dist-info"
    told = "".join(f"Requires-Dist: {each}\n" for each in requires)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\nProvides-Extra: more\n{told}")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return f"{name}==1 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def test_the_installer_takes_a_whole_list_in_which_a_package_asks_for_an_extra_of_another(bundle: Path, key: Path, tmp_path: Path) -> None:
    (bundle / "wheelhouse").mkdir()
    listed = wheel(bundle / "wheelhouse", "beta") + wheel(bundle / "wheelhouse", "alpha", "beta[more]")
    (bundle / "requirements.txt").write_text(listed)
    sign(bundle, signing_key_file())
    done = install(bundle, key, tmp_path / "opt")
    assert {path.name for path in (tmp_path / "opt.run/venv").glob("lib/python*/site-packages/*.py")} == {"alpha.py", "beta.py"}, done.stderr
    # Nothing else is in that environment, and so the bundle's own check cannot run there.
    assert done.returncode != 0 and "done" not in done.stderr


def ask(port: int, server: subprocess.Popen[bytes], log: Path) -> httpx.Response:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return httpx.post(f"http://127.0.0.1:{port}/generate", json={"text": "colour: red thing"}, timeout=30)
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def test_the_unit_is_one_that_systemd_understands(bundle: Path, tmp_path: Path) -> None:
    text = (bundle / "falaj-serve.service").read_text()
    unit = text.replace("@VENV@/bin/python", "/bin/true").replace("@PREFIX@", str(tmp_path))
    assert "@" not in unit.replace("@system-service", "").replace("@privileged", "").replace("@resources", "")
    for line in (
        "MemoryMax=900M",
        "CPUQuota=100%",
        "DynamicUser=yes",
        "ProtectSystem=strict",
        "SocketBindDeny=any",
        "IPAddressDeny=any",
        "NoNewPrivileges=yes",
    ):
        assert line in text.splitlines()
    if shutil.which("systemd-analyze"):
        (tmp_path / "falaj-serve.service").write_text(unit)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(tmp_path / "falaj-serve.service")], capture_output=True, text=True, check=False)
        ours = [line for line in done.stderr.splitlines() if "falaj-serve" in line]
        assert ours == []


def test_a_sealed_release_asks_for_its_key_and_takes_more_memory(model: Path, falaj_home: Path, tmp_path: Path) -> None:
    sealing_key = KeyFile.make(tmp_path / "sealing.key")
    seal_folder(model, tmp_path / "v1" / "model", sealing_key, identity=identity_of(DOCUMENT))
    facts = build(seal(tmp_path / "v1", DOCUMENT, signing_key_file()), tmp_path / "bundle", signing_key_file())
    text = (tmp_path / "bundle/falaj-serve.service").read_text()
    assert facts["sealed"] and "LoadCredential=sealing.key:/etc/falaj/sealing.key" in text.splitlines()


def test_a_sealed_release_is_served_from_memory_and_leaves_nothing_there(model: Path, falaj_home: Path, tmp_path: Path) -> None:
    seal_folder(model, tmp_path / "v1" / "model", KeyFile.make(tmp_path / "sealing.key"), identity=identity_of(DOCUMENT))
    facts = build(seal(tmp_path / "v1", DOCUMENT, signing_key_file()), tmp_path / "bundle", signing_key_file(), limits=Limits(free_block()))
    (tmp_path / "trusted.pem").write_bytes(public_half(signing_key_file()))
    shared = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else tmp_path
    memory = shared / f"falaj-test-{os.getpid()}"
    memory.mkdir(mode=0o700)
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "FALAJ_TRUSTED_KEY": str(tmp_path / "trusted.pem"), "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(tmp_path / "bundle/code"), "PYTHONDONTWRITEBYTECODE": "1", "PORT": str(facts["port"]), "FALAJ_SERVE_ENGINE": "onnx",
        "FALAJ_AUTH": "none", "FALAJ_SEALING_KEY": str(tmp_path / "sealing.key"), "RUNTIME_DIRECTORY": str(memory),
    }  # fmt: skip
    try:
        with (tmp_path / "log").open("wb") as log:
            server = subprocess.Popen([sys.executable, "-P", "-m", "workloads.edge.start"], env=environ, cwd="/", stdout=log, stderr=log)
        try:
            answer = ask(facts["port"], server, tmp_path / "log")
            assert (answer.status_code, answer.json()["release"]) == (200, "v1"), answer.text
            assert shared == tmp_path or len(list(memory.rglob("weights.safetensors"))) == 1
            assert not list((tmp_path / "bundle").rglob("weights.safetensors"))
        finally:
            server.terminate()
            server.wait(30)
        assert list(memory.iterdir()) == []
    finally:
        shutil.rmtree(memory)


def test_credentials_and_state_become_settings_and_what_is_given_wins(tmp_path: Path) -> None:
    (tmp_path / "trusted.pem").write_text("")
    (tmp_path / "sealing.key").write_text("")
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path), "STATE_DIRECTORY": "/var/lib/falaj", "FALAJ_SEALING_KEY": "kms:alias/x"}
    assert environment(Path("/opt/falaj"), given) == {
        **given,
        "FALAJ_RELEASES": "/opt/falaj/releases",
        "FALAJ_TRUSTED_KEY": str(tmp_path / "trusted.pem"),
        "FALAJ_JOBS": "/var/lib/falaj/jobs.db",
    }
