"""Our images, built for real on a local base: what is in them, what is not, and that they start as nobody."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from falaj.home import ROOT
from infra.pipeline.build_provenance import read
from tests.workloads.worlds import measure_nothing, wait_until

NEEDED = ("buildah", "debootstrap")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0 or not all(map(shutil.which, NEEDED)), reason=f"needs root, {' and '.join(NEEDED)}"),
]
STORAGE = ROOT / ".cache" / "images"
CLOSED = """\
set -eu
root=$1 world=$2; shift 2
mount --bind "$root" "$root"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/tmp"
mkdir "$root/tmp/world"
mount --bind "$world" "$root/tmp/world"
mount -o remount,bind,ro "$root/tmp/world"
[ ! -d "$world/work" ] || { mkdir "$root/tmp/work"; mount --bind "$world/work" "$root/tmp/work"; }
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -o remount,bind,ro "$root"
cd /
exec env -i "$@"
"""
"""As a node starts a pod of ours: a root that nobody writes to, a scratch folder, what is mounted for reading, a volume to work in, and nothing else."""
BUILDING = ("gcc", "cc", "g++", "clang", "make", "ld", "pip", "pip3", "zig")


@dataclass(frozen=True)
class Built:
    """An image with its root folder mounted."""

    name: str
    out: Path
    printed: str
    root: Path
    config: dict[str, Any]
    environ: dict[str, str]
    container: str

    def run(self, *command: str) -> str:
        """What a command says in a container of the image, as the image's own user."""
        asked = ["buildah", "run", "--isolation", "chroot", self.container, "--", *command]
        done = subprocess.run(asked, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def closed(self, world: Path, told: Mapping[str, str], *arguments: str) -> list[str]:
        """The command that starts it as a pod is started: its own user, a read-only root, `world` in /tmp/world, `world/work` in /tmp/work."""
        own = dict(each.split("=", 1) for each in self.config["Env"])
        variables = [f"{key}={value}" for key, value in {**own, "HOME": "/tmp", "OMP_NUM_THREADS": "1", **told}.items()]
        inside = [shutil.which("chroot") or "chroot", f"--userspec={self.config['User']}", str(self.root), *self.config["Entrypoint"], *arguments]
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", CLOSED, "closed"]
        return [*apart, str(self.root), str(world), *variables, *inside]

    def bill(self, kind: str) -> set[str]:
        """Names of the packages of a kind (`pypi`, `deb`) that the bill of materials lists."""
        components = json.loads((self.out / f"{self.name}.cdx.json").read_text())["components"]
        return {each["name"] for each in components if each["purl"].startswith(f"pkg:{kind}/")}

    def metadata(self, part: str) -> set[str]:
        """Names of the Python packages that lie in a folder of the image."""
        folders = (self.root / part).glob("*.dist-info")
        return {re.sub(r"[-_.]+", "-", each.name.removesuffix(".dist-info").rpartition("-")[0]).lower() for each in folders}


@pytest.fixture
def world(falaj_home: Path, tmp_path: Path) -> Path:
    """A folder with a signed release of the seed, as it is, and the key that it is believed by."""
    from workloads.compress.shapes import load_full
    from workloads.compress.variants import VARIANTS, write
    from workloads.recipes import SEED
    from workloads.release import POINTER, public_half, seal, signing_key_file
    from workloads.store import Store

    folder, found = tmp_path / "sealed", tmp_path / "world"
    write(VARIANTS["int8-channels"], load_full(SEED), SEED / "tokenizer.json", folder / "model", input_tokens=128, target_tokens=16)
    release = seal(folder, {"version": "v1", "run": "seed", "parent": None, "profile": measure_nothing(tmp_path, tmp_path)}, signing_key_file())
    store = Store.open(found / "releases")
    store.put_folder(folder, "v1", last="release.json")
    store.put_json(POINTER, {"version": "v1", "previous": None, "digest": release.digest})
    (found / "trusted.pem").write_bytes(public_half(signing_key_file()))
    for path in [found, *found.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return found


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An own place for images, kept between runs as the base takes minutes."""
    STORAGE.mkdir(parents=True, exist_ok=True)
    config = tmp_path_factory.mktemp("storage") / "storage.conf"
    config.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{STORAGE.resolve() / "graph"}"\nrunroot = "{config.parent / "run"}"\n')
    return {**os.environ, "CONTAINERS_STORAGE_CONF": str(config)}


@pytest.fixture(scope="module", params=["serve", "train"])
def built(request: pytest.FixtureRequest, environ: dict[str, str]) -> Iterator[Built]:
    # They stay for the tests on a real node.
    name, out = request.param, STORAGE / "out"
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.oci.tar").unlink(missing_ok=True)
    base, build = subprocess.run(["sh", "tests/images/bases.sh"], cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout.split()
    bases = ["--build-arg", f"BASE={base}", "--build-arg", f"BUILD={build}"] if name == "serve" else ["--build-arg", f"BASE={build}"]
    asked = ["sh", "tools/image.sh", name, str(out), *bases, "--pull-never", *_index(out)]
    done = subprocess.run(asked, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    container = _said(environ, "from", "--pull-never", f"localhost/falaj-{name}")
    try:
        config = json.loads(_said(environ, "inspect", "--type", "image", f"localhost/falaj-{name}"))["OCIv1"]["config"]
        yield Built(name, out, done.stdout.split()[-1], Path(_said(environ, "mount", container)), config, environ, container)
    finally:
        _said(environ, "rm", container)


def _said(environ: dict[str, str], *command: str) -> str:
    return subprocess.run(["buildah", *command], env=environ, capture_output=True, text=True, check=True).stdout.strip()


def _index(folder: Path) -> list[str]:
    """This machine's own settings of pip, where it has any, and the authorities that it trusts."""
    authorities = Path(os.environ.get("PIP_CERT") or "/etc/ssl/certs/ca-certificates.crt")
    settings = folder / "pip.conf"
    index = f"index-url = {os.environ['PIP_INDEX_URL']}\n" if "PIP_INDEX_URL" in os.environ else ""
    settings.write_text(f"[global]\ncert = /run/secrets/ca\n{index}")
    return ["--secret", f"id=pip,src={settings}", "--secret", f"id=ca,src={authorities}"]


def test_the_image_starts_as_nobody_and_as_what_it_is_for(built: Built) -> None:
    entry = ["python3", "-m", "workloads.serve"] if built.name == "serve" else ["python3", "-m", "workloads"]
    assert (built.config["User"], built.config["Entrypoint"]) == ("10001:10001", entry)
    assert built.run("python3", "-c", "import os; print(os.getuid(), os.getgid(), os.access('/opt/falaj/code', os.W_OK))").split() == [
        "10001",
        "10001",
        "False",
    ]


def test_nothing_that_builds_is_left_in_it(built: Built) -> None:
    places = ("usr/bin", "usr/local/bin", "usr/sbin", "bin", "opt/falaj/packages/bin")
    assert [f"{place}/{name}" for place in places for name in BUILDING if (built.root / place / name).exists()] == []
    assert not (built.root / "opt/compiler").exists() and not (built.root / "src").exists()


def test_the_native_engine_is_there_for_every_processor(built: Built) -> None:
    said = built.run("python3", "-c", "from workloads.engine.native_build import *; print(*(library(name) for name in every_class()))").split()
    assert len(said) == 4 and {str(Path(each).parent) for each in said} == {"/opt/falaj/code/workloads/engine/native"}


def test_the_bill_lists_what_is_in_it_and_nothing_else(built: Built) -> None:
    packages = built.metadata("opt/falaj/packages")
    assert len(packages) > 50 and built.bill("pypi") == packages
    assert {"libc6", "libssl3"} <= built.bill("deb")


def test_only_training_has_torch(built: Built) -> None:
    here = {each.name for each in (built.root / "opt/falaj/packages").iterdir()}
    assert ("torch" in here, "pulumi" in here, "moto" in here) == (built.name == "train", False, False)
    assert ("torch" in built.bill("pypi")) == (built.name == "train")


def test_the_digest_is_the_one_that_config_takes(built: Built) -> None:
    assert re.fullmatch(rf"falaj-{built.name}@sha256:[0-9a-f]{{64}}", built.printed)
    assert (built.out / f"{built.name}.digest").read_text() == built.printed.partition("@")[2]


def test_how_it_was_built_is_said_of_that_digest_and_names_its_bases(built: Built) -> None:
    payload = (built.out / f"{built.name}.provenance.json").read_bytes()
    said, why = read(payload)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    assert said is not None and (said.image, f"{said.image}@{said.digest}", said.commit) == (f"falaj-{built.name}", built.printed, head), why
    definition = json.loads(payload)["predicate"]["buildDefinition"]
    bases = {each["name"]: each["digest"]["sha256"] for each in definition["resolvedDependencies"][1:]}
    assert set(bases) == ({"BASE", "BUILD"} if built.name == "serve" else {"BASE"}) and all(len(each) == 64 for each in bases.values())
    assert "--secret" in definition["externalParameters"]["options"] and "pip.conf" not in payload.decode()


def test_everything_that_it_runs_can_be_imported(built: Built) -> None:
    serve = "import workloads.serve.__main__, workloads.serve.worker, boto3; print('ok')"
    train = "import workloads.train, workloads.evaluate, workloads.register, torch; print('ok')"
    assert built.run("python3", "-c", serve if built.name == "serve" else train) == "ok\n"


def test_a_server_answers_as_nobody_from_a_root_that_nobody_writes_to(built: Built, world: Path) -> None:
    if built.name != "serve":
        pytest.skip("the other image runs jobs")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"PORT": str(port), "FALAJ_AUTH": "none", "FALAJ_BEHIND_PROXY": "1", "FALAJ_REQUESTS": "/tmp/requests"}
    told |= {"FALAJ_RELEASES": "/tmp/world/releases", "FALAJ_TRUSTED_KEY": "/tmp/world/trusted.pem"}
    command = built.closed(world, told)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as server:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

                def ready() -> bool:
                    assert server.poll() is None, server.stderr.read() if server.stderr else ""
                    with suppress(httpx.TransportError):
                        return client.get("/readyz").status_code == 200
                    return False

                wait_until(ready, seconds=120)
                answer = client.post("/generate", json={"text": "implemented-in: a small mail filter"}).json()
                assert (answer["release"], len(answer["outputs"])) == ("v1", 1) and answer["outputs"][0]["text"]
                owners = {path.stat().st_uid for path in Path("/proc").iterdir() if path.name.isdigit() and _serves(path)}
                assert owners == {10001}
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def test_a_model_is_trained_as_nobody_on_a_root_that_nobody_writes_to(built: Built, tmp_path: Path) -> None:
    if built.name != "train":
        pytest.skip("the other image serves")
    (work := tmp_path / "work").mkdir()
    os.chown(work, 10001, 10001)
    rows = [{"source": f"colour: thing {number} is {colour}", "target": colour} for number in range(200) for colour in ("red", "green", "blue")]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    tmp_path.chmod(0o755)
    told = {"FALAJ_WORK": "/tmp/work", "FALAJ_DATA_REMOTE": "/tmp/work/remote"}
    for stage in ("prepare --run r --recipe smoke --data /tmp/world/rows.jsonl", "train --run r"):
        done = subprocess.run(built.closed(tmp_path, told, *stage.split()), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads((work / "runs" / "r" / "train" / "run_record.json").read_text())
    assert record["steps"] > 0
    assert {path.lstat().st_uid for path in work.rglob("*")} == {10001}


def _serves(process: Path) -> bool:
    """Whether it is a Python of the image's that serves; other containers have another root."""
    with suppress(OSError):
        return b"workloads.serve" in (process / "cmdline").read_bytes() and b"PORT=" in (process / "environ").read_bytes() and _rooted(process)
    return False


def _rooted(process: Path) -> bool:
    return Path(os.readlink(process / "root")).is_relative_to(STORAGE.resolve())
