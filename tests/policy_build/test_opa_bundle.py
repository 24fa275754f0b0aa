"""The OPA bundle: one archive, and the gate's decision on every sample from a real OPA that knows nothing else."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from infra.pipeline.policy_engine import opa_binary
from infra.policy_build.opa_bundle import NAME, write
from tests.conftest import free_block
from tests.policy_build.expected import DOCUMENTS, LIBRARY, decided, short

BINARY = opa_binary()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive, _ = write(LIBRARY, "prod", tmp_path_factory.mktemp("bundle"))
    return archive


def test_the_bundle_says_what_it_is_and_nothing_of_who_packed_it_when(bundle: Path) -> None:
    with tarfile.open(bundle) as tar:
        entries = tar.getmembers()
        manifest = json.load(tar.extractfile(".manifest") or io.BytesIO())
    assert manifest == {
        "revision": LIBRARY.digest,
        "roots": ["falaj"],
        "rego_version": 1,
        "metadata": {"environment": "prod", "policy_digest": LIBRARY.digest},
    }
    names = [entry.name for entry in entries]
    assert names == sorted(names)
    assert {(entry.mtime, entry.uid, entry.uname, entry.mode) for entry in entries} == {(0, 0, "", 0o644)}
    assert {f"falaj/{path}" for path in LIBRARY.modules} <= set(names)
    assert not [name for name in names if name.endswith("_test.rego")]


def test_its_digest_beside_it_is_what_sha256sum_checks(bundle: Path) -> None:
    assert subprocess.run(["sha256sum", "--check", f"{NAME}.sha256"], cwd=bundle.parent, check=False, capture_output=True).returncode == 0


@pytest.mark.opa
@pytest.mark.skipif(BINARY is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")
def test_opa_gives_the_gates_decision_on_every_sample(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "samples.json").write_text(json.dumps({"samples": [sample.input for sample in DOCUMENTS]}))
    query = "[found | some sample in data.samples; found := data.falaj.decision.decision with input as sample]"
    said = _evaluated([query], bundle, tmp_path / "samples.json")
    mine = [short(found["verdict"], found["faults"], found["rules"]) for found in said]
    different = [str(sample) for sample, found in zip(DOCUMENTS, mine, strict=True) if found != decided(sample)]
    assert different == []
    assert {found["verdict"] for found in mine} == {"allowed", "denied", "undecided"}


@pytest.mark.opa
@pytest.mark.skipif(BINARY is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")
@pytest.mark.parametrize(
    ("input", "words"),
    [
        ({}, "the input holds no plan"),
        ({"plan": {"resources": []}}, "what time it is"),
        ({"plan": {"resources": []}, "now": "2026-01-01T12:00:00Z"}, "nothing to judge|anything to judge"),
        ({"plan": {"resources": []}, "evidence": {}, "now": "2026-01-01T12:00:00Z"}, "several of them"),
    ],
    ids=["nothing", "no time", "an empty plan", "two documents"],
)
def test_what_cannot_be_judged_is_denied_with_the_reason(bundle: Path, tmp_path: Path, input: dict[str, Any], words: str) -> None:
    (tmp_path / "samples.json").write_text(json.dumps({"samples": [input]}))
    found = _evaluated(["data.falaj.decision.decision with input as data.samples[0]"], bundle, tmp_path / "samples.json")
    assert found["verdict"] == "denied"
    assert any(part in fault for fault in found["faults"] for part in words.split("|"))


@pytest.mark.opa
@pytest.mark.skipif(BINARY is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")
def test_a_server_that_loads_the_bundle_answers_alike(bundle: Path) -> None:
    import requests

    port = free_block()
    server = subprocess.Popen(
        [str(BINARY), "run", "--server", "--addr", f"127.0.0.1:{port}", "--disable-telemetry", "--bundle", str(bundle)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/health?bundles")
        for sample in DOCUMENTS[:: max(1, len(DOCUMENTS) // 20)]:
            answer = requests.post(f"http://127.0.0.1:{port}/v1/data/falaj/decision/decision", json={"input": sample.input}, timeout=30).json()["result"]
            assert short(answer["verdict"], answer["faults"], answer["rules"]) == decided(sample)
            assert answer["policy_digest"] == LIBRARY.digest
    finally:
        server.terminate()
        server.wait(10)


def _evaluated(query: list[str], bundle: Path, samples: Path) -> Any:
    command = [str(BINARY), "eval", "--format=json", "--strict-builtin-errors", "--bundle", str(bundle), "--data", str(samples), *query]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    return json.loads(done.stdout)["result"][0]["expressions"][0]["value"]


def _wait(url: str) -> None:
    import time

    import requests

    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if requests.get(url, timeout=1).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.05)
    raise AssertionError("OPA did not get ready")
