"""The road on one machine: its units, what goes into its store, its stages as processes, and bundles taken back and away."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from falaj.canonical import digest_file
from falaj.errors import Denied, Fault, Undecided, UsageError
from infra.cli.edge_road import Processes, run_road
from tests.workloads.edge.conftest import DOCUMENT, install
from workloads.edge.bundle import UNITS_OF_THE_ROAD, Limits, build
from workloads.edge.start import seed
from workloads.pipeline import Spec
from workloads.release import POINTER, POINTER_SCHEMA, Release, public_half, signing_key_file
from workloads.stages import Stage
from workloads.store import Store

UNITS = ("falaj-serve.service", *UNITS_OF_THE_ROAD)
SPEC = Spec("r1", "onprem", recipe="small", data={"name": "a.jsonl", "path": "/data/a.jsonl", "digest": "sha256:1"})


@pytest.fixture
def road(release: Release, tmp_path: Path) -> Path:
    build(release, tmp_path / "road", signing_key_file(), limits=Limits(8080, 2, 900, 4096), road=True)
    return tmp_path / "road"


@pytest.fixture
def units(road: Path, tmp_path: Path) -> Path:
    """The units as the installer would write them, their program being one that is here."""
    folder = tmp_path / "units"
    folder.mkdir()
    for name in UNITS:
        (folder / name).write_text((road / name).read_text().replace("@VENV@/bin/python", "/bin/true").replace("@PREFIX@", str(tmp_path)))
    return folder


def test_a_bundle_with_the_road_holds_all_stages_their_rules_and_the_units(road: Path) -> None:
    assert {path.name for path in road.glob("falaj-*")} == set(UNITS)
    assert all((road / "code" / name).is_file() for name in ("workloads/train.py", "infra/cli/main.py", "policies/data/onprem.json", "falaj/errors.py"))
    assert json.loads((road / "bundle.json").read_text())["road"] is True and "\ntorch==" in (road / "requirements.txt").read_text()


def test_all_units_are_one_user_and_see_nothing_of_the_machine(units: Path) -> None:
    services = {name: (units / name).read_text().splitlines() for name in UNITS if name.endswith(".service")}
    for line in (
        "DynamicUser=yes",
        "User=falaj",
        "StateDirectory=falaj",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "NoNewPrivileges=yes",
        "IPAddressDeny=any",
    ):
        assert [name for name, lines in services.items() if line not in lines] == []
    assert "MemoryMax=4096M" in services["falaj-retrain.service"] and "PrivateNetwork=yes" in services["falaj-drift.service"]
    assert any(line.startswith("Environment=FALAJ_RELEASES=/var/lib/falaj/releases ") for line in services["falaj-serve.service"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_units_and_finds_little_that_they_are_exposed_to(units: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *(str(units / name) for name in UNITS)], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "falaj-" in line] == []
    services = [str(units / name) for name in UNITS if name.endswith(".service")]
    for service in services:
        # Of ten: 10 is a unit that may do everything.
        asked = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=20", service], capture_output=True, text=True, check=False)
        assert asked.returncode == 0, asked.stdout[-3000:]


def test_a_new_bundles_release_becomes_current_and_what_was_released_here_since_stays(tmp_path: Path) -> None:
    def bundled(version: str) -> Path:
        folder = tmp_path / f"bundle-{version}"
        (folder / "releases" / version).mkdir(parents=True)
        (folder / "releases" / version / "release.json").write_text(json.dumps({**DOCUMENT, "version": version}))
        digest = digest_file(folder / "releases" / version / "release.json")
        (folder / "releases" / POINTER).write_text(json.dumps({"schema": POINTER_SCHEMA, "version": version, "previous": None, "digest": digest}))
        return folder

    place = tmp_path / "place"
    store = Store.open(place)

    def current() -> tuple[str, str | None]:
        found = store.read_json(POINTER)
        return found["version"], found["previous"]

    seed(bundled("v1"), str(place))
    assert current() == ("v1", None)
    store.put_json(POINTER, {**store.read_json(POINTER), "version": "trained-here", "previous": "v1"})
    seed(tmp_path / "bundle-v1", str(place))
    assert current() == ("trained-here", "v1")
    seed(bundled("v2"), str(place))
    assert current() == ("v2", "trained-here") and store.names("v2") == ["v2/release.json"]
    seed(tmp_path / "bundle-v2", str(tmp_path / "bundle-v2" / "releases"))


def stage(name: str = "prepare", **changes: int) -> Stage:
    return Stage(name, (name,), cpu="1", memory="1Gi", gpu=0, **{"deadline_seconds": 60, "retries": 1, **changes}, after=())


def processes(script: str, tmp_path: Path, said: list[str]) -> Processes:
    """Stages that are this script of the shell; it is told where it is, and as arguments what a stage is told."""
    (tmp_path / "stage.sh").write_text(script)
    return Processes({"PLACE": str(tmp_path)}, said.append, ("sh", str(tmp_path / "stage.sh")))


def test_a_stage_is_told_its_run_its_recipe_and_the_first_one_its_data(tmp_path: Path) -> None:
    made = processes('echo "$@" >> $PLACE/told', tmp_path, [])
    for name in ("prepare", "train"):
        made.submit(stage(name), SPEC)
    assert (tmp_path / "told").read_text() == "prepare --run r1 --recipe small --data /data/a.jsonl\ntrain --run r1 --recipe small\n"


def test_a_stage_that_broke_down_is_started_again_as_often_as_its_table_says(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(Fault, match="prepare failed"):
        processes("echo again >> $PLACE/told; exit 1", tmp_path, said).submit(stage(retries=2), SPEC)
    assert (tmp_path / "told").read_text() == "again\n" * 3
    assert said == [f"prepare: ended with exit code 1; is started again, {left} times at most" for left in (2, 1)]


@pytest.mark.parametrize(("code", "kind"), [(2, UsageError), (3, Denied), (4, Undecided)])
def test_a_stage_that_would_end_so_again_is_not_started_again(tmp_path: Path, code: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="prepare failed"):
        processes(f"echo again >> $PLACE/told; exit {code}", tmp_path, []).submit(stage(), SPEC)
    assert (tmp_path / "told").read_text() == "again\n"


def test_a_stage_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="prepare took too long"):
        processes("exec sleep 60", tmp_path, []).submit(stage(deadline_seconds=1), SPEC)


def test_a_stage_that_is_cancelled_is_told_to_end_and_not_started_again(tmp_path: Path) -> None:
    made, problems = processes("echo going >> $PLACE/told; exec sleep 60", tmp_path, []), list[Fault]()

    def go() -> None:
        with pytest.raises(Fault, match="prepare failed") as caught:
            made.submit(stage(), SPEC)
        problems.append(caught.value)

    thread = threading.Thread(target=go)
    thread.start()
    until = time.monotonic() + 30
    while not (tmp_path / "told").exists() and time.monotonic() < until:
        time.sleep(0.02)
    made.cancel(stage(), SPEC)
    thread.join(30)
    assert ([problem.given for problem in problems], (tmp_path / "told").read_text()) == (["exit 143"], "going\n")


@pytest.mark.parametrize(("state", "answer"), [("ok", {"run": None, "why": "the last drift report sees no drift"}), ("too_little_data", None)])
def test_no_successor_is_trained_that_no_report_asks_for(tmp_path: Path, state: str, answer: object) -> None:
    (tmp_path / "requests" / "drift").mkdir(parents=True)
    report = {"state": state, "release": "v1", "window": {"requests": 3, "minimum": 64}, "decided_at": "2026-11-27T00:00:00Z", "reasons": []}
    (tmp_path / "requests" / "drift" / "drift.json").write_text(json.dumps(report))

    def due() -> object:
        return run_road(tmp_path, data=None, recipe="", environment="onprem", retrain=True)

    if answer is None:
        with pytest.raises(Undecided, match="too little data to decide on retraining"):
            due()
    else:
        assert due() == answer
    assert not (tmp_path / "work").exists()


def test_a_bundle_is_taken_back_and_taken_away(bundle: Path, key: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "opt"
    nothing = install(bundle, key, prefix, "--rollback")
    assert (nothing.returncode, "there is no bundle before this one" in nothing.stderr) == (2, True)
    shutil.copytree(bundle, prefix)
    shutil.copytree(bundle, f"{prefix}.old")
    (prefix / "which").write_text("new")
    for name in ("venv", "venv.old"):
        (Path(f"{prefix}.run") / name).mkdir(parents=True)
        (Path(f"{prefix}.run") / name / "which").write_text(name)
    assert install(bundle, key, prefix, "--rollback").returncode == 0
    assert (not (prefix / "which").exists(), (Path(f"{prefix}.run") / "venv" / "which").read_text()) == (True, "venv.old")
    # What is brought back is checked as what is new: the one that is old now was altered.
    again = install(bundle, key, prefix, "--rollback")
    assert (again.returncode, "not signed: which" in again.stderr) == (3, True)
    assert install(bundle, key, prefix, "--uninstall").returncode == 0
    assert sorted(path.name for path in tmp_path.glob("opt*")) == []


@pytest.mark.parametrize("prefix", ["/", "opt/falaj", "/opt/a b"])
def test_a_prefix_that_would_do_harm_is_refused(bundle: Path, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(public_half(signing_key_file()))
    command = ["sh", str(bundle / "install.sh"), "--trusted-key", str(tmp_path / "key.pem"), "--prefix", prefix, "--python", sys.executable, "--no-unit"]
    done = subprocess.run([*command, "--uninstall"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, "the prefix cannot be used" in done.stderr) == (2, True)
